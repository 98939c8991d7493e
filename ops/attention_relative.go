package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Relative adds to the score of a query and a key what a learned table says of
// their distance (Raffel et al. 2019, https://arxiv.org/abs/1910.10683). Queries
// are counted as the last ones of their sequence's keys.
type Relative struct {
	Table *T // [buckets, Heads], of any float dtype

	// Buckets are rows of Table: Buckets[n+d] is that of a key d places behind the
	// query, for -n <= d <= n. Those further apart are as those n apart.
	Buckets []int32
}

// relate checks the table and lays it out by head and distance.
func (at *attention) relate(c *tensor.Ctx) {
	r := at.Relative
	if r == nil {
		return
	}
	rows, n := r.Table.Rows(), len(r.Buckets)
	if r.Table.Cols() != at.Heads || n%2 == 0 || at.Branches != nil {
		panic(fmt.Sprintf("ops: Attention: a table %v of %d distances for %d heads, with branches %v",
			r.Table.Shape, n, at.Heads, at.Branches != nil))
	}
	table := floats(c, r.Table)
	at.bias = c.Scratch(at.Heads * n)
	for i, b := range r.Buckets {
		if b < 0 || int(b) >= rows {
			panic(fmt.Sprintf("ops: Attention: bucket %d of %d", b, rows))
		}
		for h := range at.Heads {
			at.bias[h*n+i] = table[int(b)*at.Heads+h]
		}
	}
}

// biasRow adds the biases of query i of s for keys from k0 on to its scores.
func (at *attention) biasRow(s *segment, head, i, k0 int, scores []float32) {
	if at.bias == nil {
		return
	}
	near, lo, hi := at.window(s, i, k0, len(scores))
	n := len(at.Relative.Buckets)
	of := at.bias[head*n : (head+1)*n]
	for j := range scores[:lo] {
		scores[j] += of[0]
	}
	if lo < hi {
		kernel.AddTo(scores[lo:hi], of[near:near+hi-lo])
	}
	for j := hi; j < len(scores); j++ {
		scores[j] += of[n-1]
	}
}

// window are the keys [lo, hi), counted from k0, that are near enough to query i
// for a distance of their own, and where the first one's is among the distances.
func (at *attention) window(s *segment, i, k0, keys int) (near, lo, hi int) {
	n := len(at.Relative.Buckets)
	first := k0 - (s.keys - s.queries + i) + n/2 // of key k0
	lo = min(max(-first, 0), keys)
	hi = max(min(n-first, keys), lo)
	return first + lo, lo, hi
}

// collectRow adds the gradients of the scores of query i for keys from k0 on to
// those of the biases.
func (at *attention) collectRow(s *segment, head, i, k0 int, ds []float32) {
	near, lo, hi := at.window(s, i, k0, len(ds))
	n := len(at.Relative.Buckets)
	of := at.dbias[(s.number*at.Heads+head)*n:][:n]
	for _, d := range ds[:lo] {
		of[0] += d
	}
	if lo < hi {
		kernel.AddTo(of[near:near+hi-lo], ds[lo:hi])
	}
	for _, d := range ds[hi:] {
		of[n-1] += d
	}
}

// beginTable makes room for the gradients of the biases of each sequence, so that
// no two workers add to the same ones.
func (at *attention) beginTable(c *tensor.Ctx) {
	at.dbias = nil
	if at.Relative != nil && at.Relative.Table.NeedsGrad() {
		at.dbias = c.Scratch(len(at.segments) * at.Heads * len(at.Relative.Buckets))
		clear(at.dbias)
	}
}

// endTable adds them, sequence by sequence, to the gradient of the table.
func (at *attention) endTable(c *tensor.Ctx, dbias []float32) {
	if dbias == nil {
		return
	}
	dt, n := gradOf(c, at.Relative.Table), len(at.Relative.Buckets)
	for row := range len(dbias) / n {
		for i, b := range at.Relative.Buckets {
			dt[int(b)*at.Heads+row%at.Heads] += dbias[row*n+i]
		}
	}
}
