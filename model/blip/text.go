package blip

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Text is the stack of BERT's layers that reads text, and pictures by cross-attention.
type Text struct {
	Embeddings *bert.Embeddings `ckpt:"embeddings"`
	Norm       *nn.LayerNorm    `ckpt:"embeddings.LayerNorm"`
	Layers     []*bert.Layer    `ckpt:"encoder.layer"`

	cfg TextConfig
}

func newText(cfg TextConfig) *Text {
	return &Text{bert.NewEmbeddings(cfg.Config), nn.NewLayerNorm(cfg.HiddenSize, cfg.LayerNormEps), bert.NewLayers(cfg.Config), cfg}
}

// Context is the most tokens a text may have.
func (t *Text) Context() int { return t.cfg.MaxPositions }

// encode reads packed texts, every token seeing all of its text, and what was seen
// of the picture of each, if anything: [tokens, width].
func (t *Text) encode(c *tensor.Ctx, ids []int32, starts []int, seen *model.Features) *tensor.Tensor {
	s := &model.Sequence{X: t.Embeddings.Words.Forward(c, ids), Starts: starts}
	if starts == nil {
		starts = []int{0, len(ids)}
	}
	self := ops.Attn{Heads: t.cfg.NumHeads, KVHeads: t.cfg.NumHeads, Starts: starts}
	cross, memory := self, (*tensor.Tensor)(nil)
	if seen != nil {
		cross.KStarts, memory = seen.Starts, seen.X
	}
	x := t.enter(c, s)
	for _, l := range t.Layers {
		x = c.Replace(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return l.Forward(c, x, memory, &self, &cross) })
	}
	return x
}

// enter adds positions to the embeddings of tokens.
func (t *Text) enter(c *tensor.Ctx, s *model.Sequence) *tensor.Tensor {
	return t.Norm.Forward(c, t.Embeddings.Place(c, s.X, s.Places()))
}

// Decoder writes text: the same stack, in which no token sees those behind it.
type Decoder struct {
	*Text `ckpt:"bert"`
	Head  *head `ckpt:"cls.predictions"`
}

// head makes logits of hidden states, by a table of its own.
type head struct {
	*bert.Head `ckpt:""`
	Weight     *tensor.Tensor `ckpt:"decoder.weight"` // [vocabulary, width]
}

func newDecoder(cfg TextConfig) *Decoder {
	return &Decoder{newText(cfg), &head{bert.NewHead(cfg.Config), tensor.Declare(cfg.VocabSize, cfg.HiddenSize)}}
}

// Embed looks tokens up, without positions: [len(ids), width].
func (d *Decoder) Embed(c *tensor.Ctx, ids []int32) *tensor.Tensor {
	return d.Embeddings.Words.Forward(c, ids)
}

// Forward runs packed sequences through all layers: [tokens, width].
func (d *Decoder) Forward(c *tensor.Ctx, s *model.Sequence) *tensor.Tensor {
	a := s.Attend(d.cfg.NumHeads, d.cfg.NumHeads, d.cfg.EncoderWidth)
	x := d.enter(c, s)
	for i, l := range d.Layers {
		a.Layer(i)
		x = c.Replace(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
			return l.Forward(c, x, a.Memory, &a.Self, &a.Cross)
		})
	}
	return x
}

// Logits returns [rows, vocabulary] for hidden states.
func (d *Decoder) Logits(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	return d.Head.Logits(c, h, d.Head.Weight)
}

// NewCache makes room for capacity tokens.
func (d *Decoder) NewCache(capacity int) *model.KVCache {
	return model.NewCrossCache(len(d.Layers), capacity, d.cfg.HiddenSize)
}

// Vocab is the number of logits.
func (d *Decoder) Vocab() int { return d.cfg.VocabSize }
