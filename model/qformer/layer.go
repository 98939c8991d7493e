package qformer

import (
	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// attention is one kind of attention of a layer, in the names of the Q-Former.
type attention struct {
	Heads  *bert.Heads  `ckpt:"attention"`
	Output *bert.Output `ckpt:"output"`
}

// layer is one of BERT's. Queries and text attend to each other; queries alone
// attend to the picture, in some layers; each has a feed-forward part of its own.
type layer struct {
	Self       *attention   `ckpt:"attention"`
	Cross      *attention   `ckpt:"crossattention"` // nil in layers without
	QueryInner *nn.Linear   `ckpt:"intermediate_query.dense"`
	QueryOut   *bert.Output `ckpt:"output_query"`
	TextInner  *nn.Linear   `ckpt:"intermediate.dense"` // nil without text
	TextOut    *bert.Output `ckpt:"output"`
}

func newLayer(cfg Config, number int) *layer {
	d, eps := cfg.HiddenSize, cfg.LayerNormEps
	part := func() (*nn.Linear, *bert.Output) {
		return nn.NewLinear(d, cfg.IntermediateSize, true), bert.NewOutput(cfg.IntermediateSize, d, eps)
	}
	l := &layer{Self: &attention{bert.NewHeads(d, d), bert.NewOutput(d, d, eps)}}
	if number%cfg.CrossEvery == 0 {
		l.Cross = &attention{bert.NewHeads(d, cfg.EncoderWidth), bert.NewOutput(d, d, eps)}
	}
	l.QueryInner, l.QueryOut = part()
	if cfg.ReadsText {
		l.TextInner, l.TextOut = part()
	}
	return l
}

// forward keeps the shape of x: the queries and the text of every item.
func (m *Model) forward(c *tensor.Ctx, l *layer, x *tensor.Tensor, p *pass) *tensor.Tensor {
	x = p.attend(c, l.Self, x)
	if p.n == 0 {
		return bert.FeedForward(c, l.TextInner, l.TextOut, x, m.cfg.Act)
	}
	q := p.queries(c, x)
	if l.Cross != nil {
		q = p.look(c, l.Cross, q)
	}
	q = bert.FeedForward(c, l.QueryInner, l.QueryOut, q, m.cfg.Act)
	if !p.reads() {
		return q
	}
	return p.join(c, q, bert.FeedForward(c, l.TextInner, l.TextOut, p.text(c, x), m.cfg.Act))
}
