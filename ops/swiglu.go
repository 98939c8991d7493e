package ops

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// SwiGLU is y = SiLU(gate) ⊙ up for equal shapes (Shazeer 2020, https://arxiv.org/abs/2002.05202).
func SwiGLU(c *tensor.Ctx, gate, up *T) *T {
	sameShape("SwiGLU", gate, up)
	y := c.New(gate.Shape, gate, up)
	each(c, y.Len(), 1, binary{y.F32, gate.F32, up.F32}, func(a *binary, lo, hi int) {
		kernel.SwiGLU(a.y[lo:hi], a.a[lo:hi], a.b[lo:hi])
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			each(c, y.Len(), 1, swigluGrad{y.Grad(), gate.F32, up.F32, sinkOf(gate), sinkOf(up)}, (*swigluGrad).run)
		})
	}
	return y
}

type swigluGrad struct {
	dy, gate, up []float32
	dgate, dup   sink
}

func (a *swigluGrad) run(lo, hi int) {
	kernel.SwiGLUGrad(a.dgate.part(lo, hi), a.dup.part(lo, hi), a.dy[lo:hi], a.gate[lo:hi], a.up[lo:hi])
}
