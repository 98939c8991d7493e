package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// LayerNorm is y = w ⊙ (x - mean(x)) / √(var(x) + eps) + b over the last
// dimension, with the biased variance (Ba et al. 2016, https://arxiv.org/abs/1607.06450).
// w and b are [n], of any float dtype; nil stands for ones and for zeros.
func LayerNorm(c *tensor.Ctx, x, w, b *T, eps float32) *T {
	m, n := x.Rows(), x.Cols()
	if w != nil && w.Len() != n || b != nil && b.Len() != n {
		panic(fmt.Sprintf("ops: LayerNorm: x %v, w %v, b %v", x.Shape, w, b))
	}
	y := c.New(x.Shape, x, w, b)
	a := norm{y: y.F32, x: x.F32, w: floats(c, w), b: floats(c, b), n: n, eps: eps}
	a.mean, a.inv = c.Scratch(m), c.Scratch(m)
	each(c, m, n, a, func(a *norm, lo, hi int) {
		for i := lo; i < hi; i++ {
			a.mean[i], a.inv[i] = kernel.LayerNorm(a.row(a.y, i), a.row(a.x, i), a.w, a.b, a.eps)
		}
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.dy, a.dx, a.dw, a.db = y.Grad(), gradOf(c, x), gradOf(c, w), gradOf(c, b)
			layerNormGrad(c, a, m)
		})
	}
	return y
}

func layerNormGrad(c *tensor.Ctx, a norm, m int) {
	if a.dx != nil {
		each(c, m, a.n, a, func(a *norm, lo, hi int) {
			for i := lo; i < hi; i++ {
				kernel.LayerNormGrad(a.row(a.dx, i), a.row(a.dy, i), a.row(a.x, i), a.w, a.mean[i], a.inv[i])
			}
		})
	}
	if a.dw != nil || a.db != nil {
		eachStrip(c, m, a.n, a, func(a *norm, lo, hi int) {
			dw, db := cut(a.dw, lo, hi), cut(a.db, lo, hi)
			for i := range a.inv {
				kernel.LayerNormWeightGrad(dw, db, a.row(a.dy, i)[lo:hi], a.row(a.x, i)[lo:hi], a.mean[i], a.inv[i])
			}
		})
	}
}
