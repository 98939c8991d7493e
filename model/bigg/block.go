package bigg

import (
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Block is a pre-norm transformer layer. QKV has the rows of a head's query, key
// and value together, head after head.
type Block struct {
	Norm1 *nn.LayerNorm `ckpt:"ln_1"`
	QKV   *nn.Linear    `ckpt:"attn.in_proj"`
	Out   *nn.Linear    `ckpt:"attn.out_proj"`
	Norm2 *nn.LayerNorm `ckpt:"ln_2"`
	FC1   *nn.Linear    `ckpt:"mlp.c_fc"`
	FC2   *nn.Linear    `ckpt:"mlp.c_proj"`

	mlp *vit.MLP // of FC1 and FC2
}

func newBlock(cfg vit.Config) *Block {
	d, mlp := cfg.HiddenSize, vit.NewMLP(cfg)
	return &Block{
		Norm1: nn.NewLayerNorm(d, cfg.LayerNormEps), QKV: nn.NewLinear(d, 3*d, true), Out: nn.NewLinear(d, d, true),
		Norm2: nn.NewLayerNorm(d, cfg.LayerNormEps), FC1: mlp.FC1, FC2: mlp.FC2, mlp: mlp,
	}
}

func (b *Block) forward(c *tensor.Ctx, x *tensor.Tensor, a *ops.Attn) *tensor.Tensor {
	q, k, v := b.split(c, b.QKV.Forward(c, b.Norm1.Forward(c, x)), a.Heads)
	x = ops.Add(c, x, b.Out.Forward(c, ops.Attention(c, q, k, v, a)))
	return ops.Add(c, x, b.mlp.Forward(c, b.Norm2.Forward(c, x)))
}

// split takes queries, keys and values [rows, width] out of all three, which lie head by head.
func (b *Block) split(c *tensor.Ctx, all *tensor.Tensor, heads int) (q, k, v *tensor.Tensor) {
	rows, head := all.Rows(), all.Cols()/3/heads
	pieces := c.View(all, rows*heads*3, head)
	take := func(which int) *tensor.Tensor {
		at := make([]int32, rows*heads)
		for i := range at {
			at[i] = int32(3*i + which)
		}
		return c.View(ops.Gather(c, at, pieces), rows, heads*head)
	}
	return take(0), take(1), take(2)
}
