// Package bert is BERT's layer: attention and a feed-forward part, each followed
// by a norm over its sum with what it read. BLIP's text models add attention to a
// picture, and its Q-Former gives queries a feed-forward part of their own.
//
// BERT, Devlin et al. 2018, https://arxiv.org/abs/1810.04805.
package bert

import (
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Heads makes queries, keys and values.
type Heads struct {
	Q *nn.Linear `ckpt:"query"`
	K *nn.Linear `ckpt:"key"`
	V *nn.Linear `ckpt:"value"`
}

// Output maps what a part has made, adds it to what the part read, and normalises the sum.
type Output struct {
	Dense *nn.Linear    `ckpt:"dense"`
	Norm  *nn.LayerNorm `ckpt:"LayerNorm"`
}

// NewHeads declares heads over rows of the given width; keys and values are made of
// rows of width memory.
func NewHeads(width, memory int) *Heads {
	return &Heads{nn.NewLinear(width, width, true), nn.NewLinear(memory, width, true), nn.NewLinear(memory, width, true)}
}

// NewOutput declares an output of parts that are inner wide.
func NewOutput(inner, width int, eps float32) *Output {
	return &Output{nn.NewLinear(inner, width, true), nn.NewLayerNorm(width, eps)}
}

// Attend lets the rows of x attend to those of memory: [rows of x, width].
func Attend(c *tensor.Ctx, h *Heads, out *Output, x, memory *tensor.Tensor, a *ops.Attn) *tensor.Tensor {
	return out.Forward(c, ops.Attention(c, h.Q.Forward(c, x), h.K.Forward(c, memory), h.V.Forward(c, memory), a), x)
}

// Forward adds to x what the heads of an attention made of it.
func (o *Output) Forward(c *tensor.Ctx, y, x *tensor.Tensor) *tensor.Tensor {
	return o.Norm.Forward(c, ops.Add(c, o.Dense.Forward(c, y), x))
}

// FeedForward is the other part of a layer.
func FeedForward(c *tensor.Ctx, inner *nn.Linear, out *Output, x *tensor.Tensor, act ops.Act) *tensor.Tensor {
	return out.Norm.Forward(c, ops.Add(c, nn.FeedForward(c, x, inner, out.Dense, act), x))
}

// Attention is one kind of attention of a Layer.
type Attention struct {
	Heads  *Heads  `ckpt:"self"`
	Output *Output `ckpt:"output"`
}

// Layer attends to its own rows and then to a memory.
type Layer struct {
	Self  *Attention `ckpt:"attention"`
	Cross *Attention `ckpt:"crossattention"`
	Inner *nn.Linear `ckpt:"intermediate.dense"`
	Out   *Output    `ckpt:"output"`

	act ops.Act
}

// NewLayers declares the layers of a checked config.
func NewLayers(cfg Config) []*Layer {
	layers := make([]*Layer, cfg.NumHiddenLayers)
	for i := range layers {
		d := cfg.HiddenSize
		layers[i] = &Layer{
			Self:  &Attention{NewHeads(d, d), NewOutput(d, d, cfg.LayerNormEps)},
			Cross: &Attention{NewHeads(d, cfg.EncoderWidth), NewOutput(d, d, cfg.LayerNormEps)},
			Inner: nn.NewLinear(d, cfg.IntermediateSize, true),
			Out:   NewOutput(cfg.IntermediateSize, d, cfg.LayerNormEps),
			act:   cfg.Act,
		}
	}
	return layers
}

// Forward keeps the shape of x. A nil memory is not attended to.
func (l *Layer) Forward(c *tensor.Ctx, x, memory *tensor.Tensor, self, cross *ops.Attn) *tensor.Tensor {
	x = Attend(c, l.Self.Heads, l.Self.Output, x, x, self)
	if memory != nil {
		x = Attend(c, l.Cross.Heads, l.Cross.Output, x, memory, cross)
	}
	return FeedForward(c, l.Inner, l.Out, x, l.act)
}

// Embeddings are those of tokens and their positions.
type Embeddings struct {
	Words     *nn.Embedding `ckpt:"word_embeddings"`
	Positions *nn.Embedding `ckpt:"position_embeddings"`
}

// Place adds the embeddings of positions to rows.
func (e *Embeddings) Place(c *tensor.Ctx, x *tensor.Tensor, at []int32) *tensor.Tensor {
	return ops.AddRows(c, x, e.Positions.Weight, at)
}

// NewEmbeddings declares the tables of a checked config.
func NewEmbeddings(cfg Config) *Embeddings {
	return &Embeddings{nn.NewEmbedding(cfg.VocabSize, cfg.HiddenSize), nn.NewEmbedding(cfg.MaxPositions, cfg.HiddenSize)}
}
