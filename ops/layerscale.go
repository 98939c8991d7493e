package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// LayerScale is y[i] = w ⊙ x[i] for x [m, n] and w [n] of any float dtype: a
// learned weight for each channel of what a block adds (Touvron et al. 2021,
// https://arxiv.org/abs/2103.17239).
func LayerScale(c *tensor.Ctx, x, w *T) *T {
	m, n := x.Rows(), x.Cols()
	if w.Len() != n {
		panic(fmt.Sprintf("ops: LayerScale: x %v, w %v", x.Shape, w.Shape))
	}
	y := c.New(x.Shape, x, w)
	a := norm{y: y.F32, x: x.F32, w: floats(c, w), n: n}
	each(c, m, n, a, func(a *norm, lo, hi int) {
		for i := lo; i < hi; i++ {
			kernel.Mul(a.row(a.y, i), a.row(a.x, i), a.w)
		}
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.dy, a.dx, a.dw = y.Grad(), gradOf(c, x), gradOf(c, w)
			layerScaleGrad(c, a, m)
		})
	}
	return y
}

func layerScaleGrad(c *tensor.Ctx, a norm, m int) {
	if a.dx != nil {
		each(c, m, a.n, a, func(a *norm, lo, hi int) {
			for i := lo; i < hi; i++ {
				kernel.MulAdd(a.row(a.dx, i), a.row(a.dy, i), a.w)
			}
		})
	}
	if a.dw != nil {
		eachStrip(c, m, a.n, a, func(a *norm, lo, hi int) {
			for at := 0; at < len(a.x); at += a.n {
				kernel.MulAdd(a.dw[lo:hi], a.dy[at+lo:at+hi], a.x[at+lo:at+hi])
			}
		})
	}
}
