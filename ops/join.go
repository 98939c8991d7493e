package ops

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Join puts tensors of equal rows side by side: y[i] = [x0[i], x1[i], …].
// Several hidden states of a tower, or several encoders, enter an adapter so.
func Join(c *tensor.Ctx, xs ...*T) *T {
	rows, cols := xs[0].Rows(), 0
	for _, x := range xs {
		if x.Rows() != rows {
			panic(fmt.Sprintf("ops: Join: %v beside %v", x.Shape, xs[0].Shape))
		}
		cols += x.Cols()
	}
	y := c.New([]int{rows, cols}, xs...)
	at := 0
	for _, x := range xs {
		for i := range rows {
			copy(y.F32[i*cols+at:], x.Row(i))
		}
		at += x.Cols()
	}
	if y.NeedsGrad() {
		xs := slices.Clone(xs) // the caller's may then live on its stack
		c.Record(y, func() {
			dy, at := y.Grad(), 0
			for _, x := range xs {
				if n := x.Cols(); x.NeedsGrad() {
					dx := x.Grad()
					for i := range rows {
						kernel.AddTo(dx[i*n:(i+1)*n], dy[i*cols+at:i*cols+at+n])
					}
				}
				at += x.Cols()
			}
		})
	}
	return y
}
