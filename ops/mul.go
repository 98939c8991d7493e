package ops

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Mul is y = a ⊙ b for equal shapes.
func Mul(c *tensor.Ctx, a, b *T) *T {
	sameShape("Mul", a, b)
	y := c.New(a.Shape, a, b)
	each(c, y.Len(), 1, binary{y.F32, a.F32, b.F32}, func(a *binary, lo, hi int) {
		kernel.Mul(a.y[lo:hi], a.a[lo:hi], a.b[lo:hi])
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			mulGrad(c, a, b, y.Grad())
			mulGrad(c, b, a, y.Grad())
		})
	}
	return y
}

// mulGrad is da += dy ⊙ b.
func mulGrad(c *tensor.Ctx, a, b *T, dy []float32) {
	if !a.NeedsGrad() {
		return
	}
	each(c, len(dy), 1, binary{a.Grad(), dy, b.F32}, func(a *binary, lo, hi int) {
		kernel.MulAdd(a.y[lo:hi], a.a[lo:hi], a.b[lo:hi])
	})
}
