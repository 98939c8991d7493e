package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/tensor"
)

// Max is the largest element of each row: [m] from x [m, n], and [a, m] from [a, m,
// n]. Its gradient goes to the first of those that are the largest.
func Max(c *tensor.Ctx, x *T) *T {
	n := x.Cols()
	if len(x.Shape) < 2 || n < 1 {
		panic(fmt.Sprintf("ops: Max: x %v", x.Shape))
	}
	y := c.New(x.Shape[:len(x.Shape)-1], x)
	at := make([]int32, y.Len())
	for i := range at {
		row := x.Row(i)
		for j, v := range row {
			if v > row[at[i]] {
				at[i] = int32(j)
			}
		}
		y.F32[i] = row[at[i]]
	}
	if y.NeedsGrad() {
		c.Record(y, func() {
			dx, dy := x.Grad(), y.Grad()
			for i, j := range at {
				dx[i*n+int(j)] += dy[i]
			}
		})
	}
	return y
}
