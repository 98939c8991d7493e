package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Linear is y = x·wᵀ + b for x [m, k], w [n, k] and b [n] or nil: [m, n]. w and
// b may be of any float dtype.
func Linear(c *tensor.Ctx, x, w, b *T) *T {
	m, k, n := x.Rows(), x.Cols(), w.Rows()
	if w.Cols() != k || b != nil && b.Len() != n {
		panic(fmt.Sprintf("ops: Linear: x %v, w %v, b %v", x.Shape, w.Shape, b))
	}
	y := c.New([]int{m, n}, x, w, b)
	c.Pool.Linear(y.Mat(), x.Mat(), w.Mat(), floats(c, b))
	if y.NeedsGrad() {
		c.Record(y, func() { linearGrad(c, y, x, w, b) })
	}
	return y
}

// linearGrad pushes the gradient of y = x·wᵀ + b + … to x, w and b.
func linearGrad(c *tensor.Ctx, y, x, w, b *T) {
	m, k, n := x.Rows(), x.Cols(), w.Rows()
	dy := kernel.F32Mat(y.Grad(), m, n)
	if x.NeedsGrad() {
		dx, used := x.GradSink()
		c.Pool.GemmNN(kernel.F32Mat(dx, m, k), dy, w.Mat(), used)
	}
	weightGrad(c, w, dy, x.Mat())
	if b.NeedsGrad() {
		sumRows(c, b.Grad(), y.Grad())
	}
}

// weightGrad adds aᵀ·b to the gradient of w if it needs one.
func weightGrad(c *tensor.Ctx, w *T, a, b kernel.Mat) {
	if w.NeedsGrad() {
		dw, used := w.GradSink()
		c.Pool.GemmTN(kernel.F32Mat(dw, a.Cols, b.Cols), a, b, used)
	}
}

// sumRows adds the rows of x to dst.
func sumRows(c *tensor.Ctx, dst, x []float32) {
	n := len(dst)
	if n == 0 {
		return
	}
	eachStrip(c, len(x)/n, n, unary{dst, x}, func(a *unary, lo, hi int) {
		n := len(a.y)
		for at := 0; at < len(a.x); at += n {
			kernel.AddTo(a.y[lo:hi], a.x[at+lo:at+hi])
		}
	})
}
