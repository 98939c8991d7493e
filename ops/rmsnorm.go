package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// RMSNorm is y = w ⊙ x / √(mean(x²) + eps) over the last dimension, for w [n] of
// any float dtype (Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467).
func RMSNorm(c *tensor.Ctx, x, w *T, eps float32) *T {
	m, n := x.Rows(), x.Cols()
	if w.Len() != n {
		panic(fmt.Sprintf("ops: RMSNorm: x %v, w %v", x.Shape, w.Shape))
	}
	y := c.New(x.Shape, x, w)
	a := norm{y: y.F32, x: x.F32, w: floats(c, w), n: n, eps: eps, inv: c.Scratch(m)}
	each(c, m, n, a, func(a *norm, lo, hi int) {
		for i := lo; i < hi; i++ {
			a.inv[i] = kernel.RMSNorm(a.row(a.y, i), a.row(a.x, i), a.w, a.eps)
		}
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.dy, a.dx, a.dw = y.Grad(), gradOf(c, x), gradOf(c, w)
			rmsNormGrad(c, a, m)
		})
	}
	return y
}

// norm holds the operands of the ops on whole rows, of n elements.
type norm struct {
	n              int
	y, x, w, b     []float32
	dy, dx, dw, db []float32
	eps            float32
	mean, inv      []float32 // by row
}

func (a *norm) row(s []float32, i int) []float32 { return s[i*a.n : (i+1)*a.n] }

func rmsNormGrad(c *tensor.Ctx, a norm, m int) {
	if a.dx != nil {
		each(c, m, a.n, a, func(a *norm, lo, hi int) {
			for i := lo; i < hi; i++ {
				kernel.RMSNormGrad(a.row(a.dx, i), a.row(a.dy, i), a.row(a.x, i), a.w, a.inv[i])
			}
		})
	}
	if a.dw != nil {
		eachStrip(c, m, a.n, a, func(a *norm, lo, hi int) {
			for i, inv := range a.inv {
				kernel.RMSNormWeightGrad(a.dw[lo:hi], a.row(a.dy, i)[lo:hi], a.row(a.x, i)[lo:hi], inv)
			}
		})
	}
}
