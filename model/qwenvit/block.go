package qwenvit

import (
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// eps is that of all norms; no config says it.
const eps = 1e-6

// Block is a pre-norm transformer layer.
type Block struct {
	Norm1 nn.Layer   `ckpt:"norm1"`
	QKV   *nn.Linear `ckpt:"attn.qkv"`
	Out   *nn.Linear `ckpt:"attn.proj"`
	Norm2 nn.Layer   `ckpt:"norm2"`
	MLP   nn.Layer   `ckpt:"mlp"`
}

func newBlock(cfg Config) *Block {
	d := cfg.Width
	b := &Block{Norm1: NewNorm(cfg), QKV: nn.NewLinear(d, 3*d, true), Out: nn.NewLinear(d, d, true), Norm2: NewNorm(cfg)}
	switch {
	case cfg.Gated:
		b.MLP = nn.NewSwiGLU(d, cfg.FeedForward, true)
	case cfg.Third():
		mlp := vit.NewMLPOf(d, cfg.FeedForward, cfg.Act)
		b.MLP = &renamed{mlp.FC1, mlp.FC2, mlp}
	default:
		b.MLP = vit.NewMLPOf(d, cfg.FeedForward, cfg.Act)
	}
	return b
}

// renamed gives the parameters of a feed-forward part the names of Qwen3-VL's checkpoints.
type renamed struct {
	FC1 *nn.Linear `ckpt:"linear_fc1"`
	FC2 *nn.Linear `ckpt:"linear_fc2"`

	nn.Layer // of the two
}

// NewNorm declares a norm of the tower's kind; the merger has one too.
func NewNorm(cfg Config) nn.Layer {
	if cfg.Gated {
		return nn.NewRMSNorm(cfg.Width, eps)
	}
	return nn.NewLayerNorm(cfg.Width, eps)
}

func (b *Block) forward(c *tensor.Ctx, x *tensor.Tensor, a *ops.Attn, angles *ops.Rotary) *tensor.Tensor {
	d := x.Cols()
	h := b.Norm1.Forward(c, x)
	q := ops.RoPE(c, b.QKV.Outputs(c, h, 0, d), angles)
	k := ops.RoPE(c, b.QKV.Outputs(c, h, d, 2*d), angles)
	h = ops.Attention(c, q, k, b.QKV.Outputs(c, h, 2*d, 3*d), a)
	x = ops.Add(c, x, b.Out.Forward(c, h))
	return ops.Add(c, x, b.MLP.Forward(c, b.Norm2.Forward(c, x)))
}
