// Package qformer is the Q-Former, the adapter of BLIP-2: a fixed number of
// learned queries looks at a picture's features through layers of BERT, and what
// the queries have become stands for the picture. InstructBLIP's reads a text
// beside the queries, and looks for what that asks about.
//
// BLIP-2, Li et al. 2023, https://arxiv.org/abs/2301.12597; InstructBLIP, Dai et
// al. 2023, https://arxiv.org/abs/2305.06500. Parameters are named as in Hugging
// Face checkpoints, without "qformer.".
package qformer

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is the Q-Former without its queries, which checkpoints keep elsewhere.
type Model struct {
	Norm   *nn.LayerNorm `ckpt:"layernorm"`  // of queries, and of text whose embeddings are elsewhere
	Text   *embeddings   `ckpt:"embeddings"` // nil: there are none here
	Layers []*layer      `ckpt:"encoder.layer"`

	cfg   Config
	norm  *nn.LayerNorm    // the one that there is
	words *bert.Embeddings // nil where no text is read
}

// embeddings are those of a text, with the norm of queries and text.
type embeddings struct {
	*bert.Embeddings `ckpt:""`
	Norm             *nn.LayerNorm `ckpt:"layernorm"`
}

// New declares the model that a checked config describes.
func New(cfg Config) *Model {
	m := &Model{cfg: cfg, norm: nn.NewLayerNorm(cfg.HiddenSize, cfg.LayerNormEps)}
	if cfg.ReadsText {
		m.words = bert.NewEmbeddings(cfg.Config)
	}
	if cfg.ReadsText && !cfg.TextApart {
		m.Text = &embeddings{m.words, m.norm}
	} else {
		m.Norm = m.norm
	}
	for i := range cfg.NumHiddenLayers {
		m.Layers = append(m.Layers, newLayer(cfg, i))
	}
	return m
}

// Config returns the configuration.
func (m *Model) Config() Config { return m.cfg }

// Words are the embeddings of text, which a family with Config.TextApart lists as
// parameters of its own; nil where no text is read.
func (m *Model) Words() *bert.Embeddings { return m.words }

// Input is what runs at once: items, each of which are the queries over one view, a
// text beside them, or a text alone.
type Input struct {
	Seen   *model.Features // views; nil: texts are read alone, without queries
	Of     []int           // of each item, the number of the view that it sees; nil: as many items as views, each sees its own
	Text   [][]int32       // of each item; nil: none
	Causal bool            // text sees the queries and the text before it, and queries see no text; with Seen
}

func (in *Input) items() int {
	switch {
	case in.Seen == nil:
		return len(in.Text)
	case in.Of != nil:
		return len(in.Of)
	}
	return len(in.Seen.Starts) - 1
}

// Forward asks features with all queries [1, n, width]: [items·n, width].
func (m *Model) Forward(c *tensor.Ctx, queries *tensor.Tensor, in Input) *tensor.Tensor {
	x, p := m.run(c, queries, &in)
	c.Observe("qformer.last_hidden_state", x)
	return p.queries(c, x)
}

// Run is Forward for what the packed texts [tokens, width] have become too. What there
// is none of, queries or text, is nil.
func (m *Model) Run(c *tensor.Ctx, queries *tensor.Tensor, in Input) (asked, read *tensor.Tensor) {
	x, p := m.run(c, queries, &in)
	if p.n > 0 {
		asked = p.queries(c, x)
	}
	if p.reads() {
		read = p.text(c, x)
	}
	return asked, read
}

func (m *Model) run(c *tensor.Ctx, queries *tensor.Tensor, in *Input) (*tensor.Tensor, *pass) {
	if in.Text != nil && (m.words == nil || len(in.Text) != in.items()) {
		panic(fmt.Sprintf("qformer: %d texts for %d views, and the model reads text: %v", len(in.Text), in.items(), m.words != nil))
	}
	p := m.begin(queries, in)
	x := m.embed(c, queries, p, in.Text)
	for _, l := range m.Layers {
		x = m.forward(c, l, x, p)
	}
	return x, p
}

// embed normalises the queries of all items and what stands beside them.
func (m *Model) embed(c *tensor.Ctx, queries *tensor.Tensor, p *pass, text [][]int32) *tensor.Tensor {
	if p.n == 0 {
		return m.norm.Forward(c, m.embedText(c, text))
	}
	x := p.repeat(c, queries)
	if p.reads() {
		x = p.join(c, x, m.embedText(c, text))
	}
	return m.norm.Forward(c, x)
}
