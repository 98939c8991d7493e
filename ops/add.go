package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Add is y = a + b for equal shapes.
func Add(c *tensor.Ctx, a, b *T) *T {
	sameShape("Add", a, b)
	y := c.New(a.Shape, a, b)
	each(c, y.Len(), 1, binary{y.F32, a.F32, b.F32}, func(a *binary, lo, hi int) {
		kernel.Add(a.y[lo:hi], a.a[lo:hi], a.b[lo:hi])
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			accumulate(c, b, y.Grad())
			pass(c, a, y)
		})
	}
	return y
}

// AddRows is y[i] = x[i] + table[idx[i]] for x [m, n], table [rows, n] of any
// float dtype and m indices: learned position embeddings. An index out of range panics.
func AddRows(c *tensor.Ctx, x, table *T, idx []int32) *T {
	m, n := x.Rows(), x.Cols()
	if table.Cols() != n || len(idx) != m {
		panic(fmt.Sprintf("ops: AddRows: x %v, table %v, %d indices", x.Shape, table.Shape, len(idx)))
	}
	checkRows("AddRows", idx, table.Rows())
	y := c.New(x.Shape, x, table)
	each(c, m, n, addRows{y, x, table, idx}, (*addRows).run)
	if y.NeedsGrad() {
		c.Record(y, func() {
			if table.NeedsGrad() {
				scatter(c, table.Grad(), y.Grad(), idx, n)
			}
			pass(c, x, y)
		})
	}
	return y
}

type addRows struct {
	y, x, table *T
	idx         []int32
}

func (a *addRows) run(lo, hi int) {
	for i := lo; i < hi; i++ {
		row := a.y.Row(i)
		a.table.RowInto(row, int(a.idx[i]))
		kernel.AddTo(row, a.x.Row(i))
	}
}
