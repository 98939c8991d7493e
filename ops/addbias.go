package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// AddBias is y[i] = x[i] + b for x [m, n] and b [n] of any float dtype.
func AddBias(c *tensor.Ctx, x, b *T) *T {
	m, n := x.Rows(), x.Cols()
	if b.Len() != n {
		panic(fmt.Sprintf("ops: AddBias: x %v, b %v", x.Shape, b.Shape))
	}
	y := c.New(x.Shape, x, b)
	each(c, m, n, norm{y: y.F32, x: x.F32, w: floats(c, b), n: n}, func(a *norm, lo, hi int) {
		for i := lo; i < hi; i++ {
			kernel.Add(a.row(a.y, i), a.row(a.x, i), a.w)
		}
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			if b.NeedsGrad() {
				sumRows(c, b.Grad(), y.Grad())
			}
			pass(c, x, y)
		})
	}
	return y
}
