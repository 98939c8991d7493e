package llama

import (
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// project declares what makes queries, keys and values.
func (b *Block) project(cfg Config) {
	d, q, kv := cfg.HiddenSize, cfg.NumAttentionHeads*cfg.HeadDim, cfg.NumKeyValueHeads*cfg.HeadDim
	bias := cfg.AttentionBias || cfg.QKVBias
	if cfg.Fused {
		b.QKV = nn.NewLinear(d, q+2*kv, bias)
	} else {
		b.Q, b.K, b.V = nn.NewLinear(d, q, bias), nn.NewLinear(d, kv, bias), nn.NewLinear(d, kv, bias)
	}
	if cfg.QKNorm {
		b.QNorm, b.KNorm = nn.NewRMSNorm(cfg.HeadDim, cfg.RMSNormEps), nn.NewRMSNorm(cfg.HeadDim, cfg.RMSNormEps)
	}
}

// attend makes queries, keys and values, not rotated yet, of heads of the given width.
func (b *Block) attend(c *tensor.Ctx, h *tensor.Tensor, head int) (q, k, v *tensor.Tensor) {
	if b.QKV != nil {
		c.ObserveInput(b.QKV.Weight, h)
		all, out := b.QKV.Weight.Rows(), b.O.Weight.Cols()
		kv := (all - out) / 2
		q, k, v = b.QKV.Outputs(c, h, 0, out), b.QKV.Outputs(c, h, out, out+kv), b.QKV.Outputs(c, h, out+kv, all)
	} else {
		q, k, v = b.Q.Forward(c, h), b.K.Forward(c, h), b.V.Forward(c, h)
	}
	if b.QNorm != nil {
		q, k = normHeads(c, q, b.QNorm, head), normHeads(c, k, b.KNorm, head)
	}
	return q, k, v
}

// normHeads normalises every head of x [rows, heads·width] by itself.
func normHeads(c *tensor.Ctx, x *tensor.Tensor, norm *nn.RMSNorm, width int) *tensor.Tensor {
	rows, cols := x.Rows(), x.Cols()
	return c.View(norm.Forward(c, c.View(x, x.Len()/width, width)), rows, cols)
}
