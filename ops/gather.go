package ops

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Gather is y[i] = rows[idx[i]], where rows are the rows of all src, one after
// another: [len(idx), n] from src [·, n] of any float dtype. It looks up
// embeddings, puts image features in the place of their placeholders, inserts
// class tokens, selects and joins rows. An index out of range panics.
func Gather(c *tensor.Ctx, idx []int32, src ...*T) *T {
	n, total := src[0].Cols(), 0
	for _, s := range src {
		if s.Cols() != n {
			panic(fmt.Sprintf("ops: Gather: rows of %v and of %v", src[0].Shape, s.Shape))
		}
		total += s.Rows()
	}
	checkRows("Gather", idx, total)
	y := c.New([]int{len(idx), n}, src...)
	for i, r := range idx {
		k, at := locate(src, int(r))
		src[k].RowInto(y.Row(i), at)
	}
	if y.NeedsGrad() {
		src := slices.Clone(src) // the caller's may then live on its stack
		c.Record(y, func() { gatherGrad(c, y, src, idx) })
	}
	return y
}

// locate finds the source, and the row in it, of row r of all sources.
func locate(src []*T, r int) (k, at int) {
	for r >= src[k].Rows() {
		r -= src[k].Rows()
		k++
	}
	return k, r
}

func gatherGrad(c *tensor.Ctx, y *T, src []*T, idx []int32) {
	base := 0
	for _, s := range src {
		if s.NeedsGrad() {
			scatterFrom(c, s.Grad(), y.Grad(), idx, y.Cols(), base)
		}
		base += s.Rows()
	}
}

// scatter is d[idx[i]] += dy[i] for rows of n elements.
func scatter(c *tensor.Ctx, d, dy []float32, idx []int32, n int) { scatterFrom(c, d, dy, idx, n, 0) }

// scatterFrom is d[idx[i]-base] += dy[i] for the indices that lie in d.
func scatterFrom(c *tensor.Ctx, d, dy []float32, idx []int32, n, base int) {
	eachStrip(c, len(idx), n, scatterArgs{d, dy, idx, n, base}, (*scatterArgs).run)
}

type scatterArgs struct {
	d, dy   []float32
	idx     []int32
	n, base int
}

func (a *scatterArgs) run(lo, hi int) {
	rows := len(a.d) / a.n
	for i, r := range a.idx {
		if at := int(r) - a.base; at >= 0 && at < rows {
			kernel.AddTo(a.d[at*a.n+lo:at*a.n+hi], a.dy[i*a.n+lo:i*a.n+hi])
		}
	}
}

func checkRows(op string, idx []int32, rows int) {
	for i, r := range idx {
		if r < 0 || int(r) >= rows {
			panic(fmt.Sprintf("ops: %s: index %d is %d, of %d rows", op, i, r, rows))
		}
	}
}
