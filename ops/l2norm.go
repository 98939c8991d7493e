package ops

import (
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// L2Norm is y = x / √(Σ x²) over the last dimension. As in CLIP there is no
// epsilon: a row of zeros gives NaN.
func L2Norm(c *tensor.Ctx, x *T) *T {
	m, n := x.Rows(), x.Cols()
	y := c.New(x.Shape, x)
	inv := c.Scratch(m)
	each(c, m, n, norm{y: y.F32, x: x.F32, n: n, inv: inv}, func(a *norm, lo, hi int) {
		for i := lo; i < hi; i++ {
			a.inv[i] = float32(1 / math.Sqrt(kernel.SumSquares(a.row(a.x, i))))
			kernel.Scale(a.row(a.y, i), a.row(a.x, i), a.inv[i])
		}
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			each(c, m, n, norm{y: y.F32, dy: y.Grad(), dx: x.Grad(), n: n, inv: inv}, func(a *norm, lo, hi int) {
				for i := lo; i < hi; i++ {
					y, dy, dx := a.row(a.y, i), a.row(a.dy, i), a.row(a.dx, i)
					kernel.Axpy(dx, a.inv[i], dy)
					kernel.Axpy(dx, -a.inv[i]*kernel.Dot(y, dy), y)
				}
			})
		})
	}
	return y
}
