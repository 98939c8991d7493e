package ops

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Softmax is y = exp(x) / Σ exp(x) over the last dimension.
func Softmax(c *tensor.Ctx, x *T) *T {
	m, n := x.Rows(), x.Cols()
	y := c.New(x.Shape, x)
	each(c, m, n, norm{y: y.F32, x: x.F32, n: n}, func(a *norm, lo, hi int) {
		for i := lo; i < hi; i++ {
			kernel.Softmax(a.row(a.y, i), a.row(a.x, i))
		}
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			each(c, m, n, norm{y: y.F32, dy: y.Grad(), dx: x.Grad(), n: n}, func(a *norm, lo, hi int) {
				for i := lo; i < hi; i++ {
					softmaxGrad(a.row(a.dx, i), a.row(a.dy, i), a.row(a.y, i))
				}
			})
		})
	}
	return y
}

// softmaxGrad is dx += y ⊙ (dy - y·dy).
func softmaxGrad(dx, dy, y []float32) {
	kernel.MulAdd(dx, y, dy)
	kernel.Axpy(dx, -kernel.Dot(y, dy), y)
}
