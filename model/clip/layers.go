package clip

import (
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Block is a pre-norm transformer layer, the same in both towers.
type Block struct {
	Norm1 *nn.LayerNorm `ckpt:"layer_norm1"`
	Q     *nn.Linear    `ckpt:"self_attn.q_proj"`
	K     *nn.Linear    `ckpt:"self_attn.k_proj"`
	V     *nn.Linear    `ckpt:"self_attn.v_proj"`
	Out   *nn.Linear    `ckpt:"self_attn.out_proj"`
	Norm2 *nn.LayerNorm `ckpt:"layer_norm2"`
	FC1   *nn.Linear    `ckpt:"mlp.fc1"`
	FC2   *nn.Linear    `ckpt:"mlp.fc2"`
	act   ops.Act
}

func newBlocks(t TowerConfig) []*Block {
	blocks := make([]*Block, t.NumHiddenLayers)
	d := t.HiddenSize
	for i := range blocks {
		blocks[i] = &Block{
			Norm1: nn.NewLayerNorm(d, t.LayerNormEps),
			Norm2: nn.NewLayerNorm(d, t.LayerNormEps),
			Q:     nn.NewLinear(d, d, true),
			K:     nn.NewLinear(d, d, true),
			V:     nn.NewLinear(d, d, true),
			Out:   nn.NewLinear(d, d, true),
			FC1:   nn.NewLinear(d, t.IntermediateSize, true),
			FC2:   nn.NewLinear(t.IntermediateSize, d, true),
			act:   t.act,
		}
	}
	return blocks
}

func (b *Block) forward(c *tensor.Ctx, x *tensor.Tensor, a *ops.Attn) *tensor.Tensor {
	h := b.Norm1.Forward(c, x)
	h = ops.Attention(c, b.Q.Forward(c, h), b.K.Forward(c, h), b.V.Forward(c, h), a)
	x = ops.Add(c, x, b.Out.Forward(c, h))
	h = b.FC1.Forward(c, b.Norm2.Forward(c, x))
	return ops.Add(c, x, b.FC2.Forward(c, ops.Activate(c, h, b.act)))
}
