package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Project is y = x·w for x [m, k] and w [k, n] of any float dtype: [m, n]. It is
// for matrices that checkpoints store with a row for each input.
func Project(c *tensor.Ctx, x, w *T) *T {
	m, k, n := x.Rows(), x.Cols(), w.Cols()
	if w.Rows() != k {
		panic(fmt.Sprintf("ops: Project: x %v, w %v", x.Shape, w.Shape))
	}
	y := c.New([]int{m, n}, x, w)
	c.Pool.GemmNN(y.Mat(), x.Mat(), w.Mat(), false)
	if y.NeedsGrad() {
		c.Record(y, func() {
			dy := kernel.F32Mat(y.Grad(), m, n)
			if x.NeedsGrad() {
				dx, used := x.GradSink()
				c.Pool.GemmNT(kernel.F32Mat(dx, m, k), dy, w.Mat(), used)
			}
			weightGrad(c, w, x.Mat(), dy)
		})
	}
	return y
}
