package siglip

import (
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Head pools a view by attention: a learned query looks at all patches.
type Head struct {
	Probe    *tensor.Tensor `ckpt:"probe"`                    // [1, 1, width]
	InWeight *tensor.Tensor `ckpt:"attention.in_proj_weight"` // [3·width, width]: queries, keys, values
	InBias   *tensor.Tensor `ckpt:"attention.in_proj_bias"`
	Out      *nn.Linear     `ckpt:"attention.out_proj"`
	Norm     *nn.LayerNorm  `ckpt:"layernorm"`
	MLP      *vit.MLP       `ckpt:"mlp"`

	heads int
}

func newHead(cfg vit.Config) *Head {
	d := cfg.HiddenSize
	return &Head{
		Probe:    tensor.Declare(1, 1, d),
		InWeight: tensor.Declare(3*d, d),
		InBias:   tensor.Declare(3 * d),
		Out:      nn.NewLinear(d, d, true),
		Norm:     nn.NewLayerNorm(d, cfg.LayerNormEps),
		MLP:      vit.NewMLP(cfg),
		heads:    cfg.NumHeads,
	}
}

// forward maps x, the rows of views, to [views, width].
func (h *Head) forward(c *tensor.Ctx, x *tensor.Tensor, views int) *tensor.Tensor {
	d := x.Cols()
	in := nn.Linear{Weight: h.InWeight, Bias: h.InBias}
	attn := &ops.Attn{Heads: h.heads, KVHeads: h.heads, Starts: make([]int, views+1), KStarts: make([]int, views+1)}
	for i := range views + 1 {
		attn.Starts[i], attn.KStarts[i] = i, i*(x.Rows()/views)
	}
	q := in.Outputs(c, ops.Gather(c, make([]int32, views), h.Probe), 0, d)
	y := h.Out.Forward(c, ops.Attention(c, q, in.Outputs(c, x, d, 2*d), in.Outputs(c, x, 2*d, 3*d), attn))
	return ops.Add(c, y, h.MLP.Forward(c, h.Norm.Forward(c, y)))
}
