package ops

import (
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Gains is y[i] = g[i] / ‖w[i] + s·up[i]·down‖ for g [n], w [n, k] of any float dtype,
// up [n, r] and down [r, k]: what rows are scaled by so that their lengths are g. The
// lengths count as constants in the backward pass, as DoRA has it (Liu et al. 2024,
// https://arxiv.org/abs/2402.09353, section 4.3): only g learns by it. A row of zeros
// gives 0.
func Gains(c *tensor.Ctx, g, w, up, down *T, s float32) *T {
	n, k, r := w.Rows(), w.Cols(), down.Rows()
	if g.Len() != n || up.Rows() != n || up.Cols() != r || down.Cols() != k {
		panic(fmt.Sprintf("ops: Gains: g %v, w %v, up %v, down %v", g.Shape, w.Shape, up.Shape, down.Shape))
	}
	y := c.New(g.Shape, g)
	inv := c.Scratch(n)
	a := gains{inv: inv, w: w, up: up, down: down, s: s}
	parts := (n + gainRows - 1) / gainRows
	a.rows = c.Scratch(parts * k)
	each(c, parts, gainRows*k*(r+1), a, (*gains).run)
	kernel.Mul(y.F32, g.F32, inv)
	if y.NeedsGrad() {
		c.Record(y, func() { kernel.MulAdd(g.Grad(), y.Grad(), inv) })
	}
	return y
}

// gainRows is how many rows are measured in turn in one place.
const gainRows = 64

// gains are the inverse lengths of rows, 64 at a time.
type gains struct {
	inv, rows   []float32
	w, up, down *T
	s           float32
}

func (a *gains) run(lo, hi int) {
	k, n := a.w.Cols(), a.w.Rows()
	for part := lo; part < hi; part++ {
		row := a.rows[part*k : (part+1)*k]
		for i := part * gainRows; i < min((part+1)*gainRows, n); i++ {
			a.w.RowInto(row, i)
			for j, u := range a.up.Row(i) {
				kernel.Axpy(row, a.s*u, a.down.Row(j))
			}
			a.inv[i] = 0
			if sum := kernel.SumSquares(row); sum > 0 {
				a.inv[i] = float32(1 / math.Sqrt(sum))
			}
		}
	}
}
