package vit

import (
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Block is a pre-norm transformer layer. Its parameters are named as in CLIP's
// and SigLIP's checkpoints; who names them otherwise lists them under tags of
// his own.
type Block struct {
	Norm1 *nn.LayerNorm `ckpt:"layer_norm1"`
	Q     *nn.Linear    `ckpt:"self_attn.q_proj"`
	K     *nn.Linear    `ckpt:"self_attn.k_proj"`
	V     *nn.Linear    `ckpt:"self_attn.v_proj"`
	Out   *nn.Linear    `ckpt:"self_attn.out_proj"`
	Norm2 *nn.LayerNorm `ckpt:"layer_norm2"`
	MLP   nn.Layer      `ckpt:"mlp"`

	// QKV, if there is one, is Q, K and V in one matrix, [3·width, width].
	QKV *nn.Linear

	// Scale1 and Scale2 [width] weigh what attention and the MLP add
	// (LayerScale, Touvron et al. 2021, https://arxiv.org/abs/2103.17239); nil: 1.
	Scale1, Scale2 *tensor.Tensor
}

// MLP is linear, activation, linear.
type MLP struct {
	FC1 *nn.Linear `ckpt:"fc1"`
	FC2 *nn.Linear `ckpt:"fc2"`
	act ops.Act
}

// NewMLP declares the feed-forward part of a checked config.
func NewMLP(cfg Config) *MLP { return NewMLPOf(cfg.HiddenSize, cfg.IntermediateSize, cfg.act) }

// NewMLPOf declares a feed-forward part of the given widths.
func NewMLPOf(width, inner int, act ops.Act) *MLP {
	return &MLP{nn.NewLinear(width, inner, true), nn.NewLinear(inner, width, true), act}
}

// Forward keeps the shape.
func (m *MLP) Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	return nn.FeedForward(c, x, m.FC1, m.FC2, m.act)
}

// NewBlocks declares the layers of a checked config.
func NewBlocks(cfg Config) []*Block {
	blocks := make([]*Block, cfg.NumHiddenLayers)
	for i := range blocks {
		d := cfg.HiddenSize
		blocks[i] = &Block{
			Norm1: nn.NewLayerNorm(d, cfg.LayerNormEps),
			Q:     nn.NewLinear(d, d, true),
			K:     nn.NewLinear(d, d, true),
			V:     nn.NewLinear(d, d, true),
			Out:   nn.NewLinear(d, d, true),
			Norm2: nn.NewLayerNorm(d, cfg.LayerNormEps),
			MLP:   NewMLP(cfg),
		}
	}
	return blocks
}

// Forward runs packed sequences, bounded by a, and keeps the shape.
func (b *Block) Forward(c *tensor.Ctx, x *tensor.Tensor, a *ops.Attn) *tensor.Tensor {
	h := b.Norm1.Forward(c, x)
	q, k, v := b.project(c, h)
	h = ops.Attention(c, q, k, v, a)
	x = ops.Add(c, x, weigh(c, b.Out.Forward(c, h), b.Scale1))
	return ops.Add(c, x, weigh(c, b.MLP.Forward(c, b.Norm2.Forward(c, x)), b.Scale2))
}

// project makes queries, keys and values.
func (b *Block) project(c *tensor.Ctx, h *tensor.Tensor) (q, k, v *tensor.Tensor) {
	if b.QKV == nil {
		return b.Q.Forward(c, h), b.K.Forward(c, h), b.V.Forward(c, h)
	}
	d := h.Cols()
	return b.QKV.Outputs(c, h, 0, d), b.QKV.Outputs(c, h, d, 2*d), b.QKV.Outputs(c, h, 2*d, 3*d)
}

func weigh(c *tensor.Ctx, x, scale *tensor.Tensor) *tensor.Tensor {
	if scale == nil {
		return x
	}
	return ops.LayerScale(c, x, scale)
}
