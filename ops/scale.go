package ops

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Scale is y = s·x.
func Scale(c *tensor.Ctx, x *T, s float32) *T {
	y := c.New(x.Shape, x)
	each(c, y.Len(), 1, scaled{y.F32, x.F32, s}, func(a *scaled, lo, hi int) {
		kernel.Scale(a.y[lo:hi], a.x[lo:hi], a.s)
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			each(c, y.Len(), 1, scaled{x.Grad(), y.Grad(), s}, func(a *scaled, lo, hi int) {
				kernel.Axpy(a.y[lo:hi], a.s, a.x[lo:hi])
			})
		})
	}
	return y
}
