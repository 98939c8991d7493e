package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// MeanRows is the mean of the rows of each of n groups of equally many: [n, cols]
// from x [n·rows, cols]. It describes a picture by all of its places.
func MeanRows(c *tensor.Ctx, x *T, n int) *T {
	if n < 1 || x.Rows()%n != 0 || x.Rows() == 0 {
		panic(fmt.Sprintf("ops: MeanRows: x %v in %d groups", x.Shape, n))
	}
	a := meanRows{x: x.F32, n: x.Cols(), rows: x.Rows() / n}
	y := c.New([]int{n, a.n}, x)
	a.y = y.F32
	each(c, n, a.rows*a.n, a, func(a *meanRows, lo, hi int) {
		for i := lo; i < hi; i++ {
			y := a.y[i*a.n : (i+1)*a.n]
			clear(y)
			for r := range a.rows {
				kernel.AddTo(y, a.row(i, r))
			}
			kernel.Scale(y, y, 1/float32(a.rows))
		}
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.y, a.x = y.Grad(), x.Grad()
			each(c, n, a.rows*a.n, a, func(a *meanRows, lo, hi int) {
				for i := lo; i < hi; i++ {
					for r := range a.rows {
						kernel.Axpy(a.row(i, r), 1/float32(a.rows), a.y[i*a.n:(i+1)*a.n])
					}
				}
			})
		})
	}
	return y
}

type meanRows struct {
	y, x    []float32
	n, rows int
}

// row is row r of group i.
func (a *meanRows) row(i, r int) []float32 {
	at := (i*a.rows + r) * a.n
	return a.x[at : at+a.n]
}
