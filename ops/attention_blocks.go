package ops

import (
	"math"

	"github.com/fovea-ml/fovea/kernel"
)

// rowsOf is the matrix of the unit's heads in s, whose rows have heads·d
// elements: one row for each query or, when a single query has all the heads of a
// group, one for each head.
func (at *attention) rowsOf(s []float32, u *unit, lo, hi int) kernel.Mat {
	w := at.Heads * at.d
	m := kernel.Mat{Rows: hi - lo, Cols: at.d, Stride: w, F32: s[(u.q0+lo)*w+u.head*at.d:]}
	if u.heads > 1 {
		m.Rows, m.Stride = u.heads, at.d
	}
	return m
}

// keysOf is the matrix of keys or values [lo, hi) of s for the key head of head.
func (at *attention) keysOf(s kernel.Mat, head, lo, hi int) kernel.Mat {
	first := lo*s.Stride + head*at.KVHeads/at.Heads*at.d
	s.Rows, s.Cols = hi-lo, at.d
	if s.DType == kernel.F32 {
		s.F32 = s.F32[first:]
	} else {
		s.Raw = s.Raw[s.DType.Bytes(first):]
	}
	return s
}

// limit is the number of keys that query i of a sequence sees.
func (at *attention) limit(s *segment, i int) int {
	if at.Causal {
		return s.keys - s.queries + i + 1
	}
	return s.keys
}

// hidden are the keys that query i does not see although they come before it:
// the branches before its own.
func (s *segment) hidden(i int) (lo, hi int) {
	for _, first := range s.branches {
		if first <= i {
			lo, hi = s.branches[0], first
		}
	}
	return lo, hi
}

// mask puts v in the place of the hidden ones among the scores of query i for
// keys from k0 on.
func (s *segment) mask(i, k0 int, scores []float32, v float32) {
	lo, hi := s.hidden(i)
	for j := max(lo-k0, 0); j < min(hi-k0, len(scores)); j++ {
		scores[j] = v
	}
}

// forward is softmax(scale·q·kᵀ)·v for the rows of u, with a running maximum and sum.
func (at *attention) forward(w *worker, u *unit) {
	y := at.rowsOf(at.y, u, u.lo, u.hi)
	q := at.start(w, u)
	last := at.limit(u.segment, u.hi-1)
	for k0 := 0; k0 < last; k0 += keyBlock {
		k1 := min(k0+keyBlock, last)
		p := kernel.F32Mat(w.p, q.Rows, k1-k0)
		w.pool.GemmNT(p, q, at.keysOf(u.k, u.head, k0, k1), false)
		at.weighRows(w, u, y, p, k0)
		w.pool.GemmNN(y, p, at.keysOf(u.v, u.head, k0, k1), k0 > 0)
	}
	at.finish(w, u, y)
}

// start makes a worker ready for the rows of u and returns their scaled queries.
func (at *attention) start(w *worker, u *unit) kernel.Mat {
	rows := at.rowsOf(at.q, u, u.lo, u.hi)
	w.grow(rows.Rows, at.d)
	for i := range rows.Rows {
		w.peak[i], w.sum[i] = float32(math.Inf(-1)), 0
	}
	return w.scaled(rows, at.scale)
}

// weighRows turns the scores p for keys from k0 on into weights, and shrinks what
// has been summed up in y before.
func (at *attention) weighRows(w *worker, u *unit, y, p kernel.Mat, k0 int) {
	seen := at.limit(u.segment, u.hi-1)
	for i := range p.Rows {
		if u.heads == 1 {
			seen = at.limit(u.segment, u.lo+i)
			at.biasRow(u.segment, u.head, u.lo+i, k0, matRow(p, i))
			u.mask(u.lo+i, k0, matRow(p, i), float32(math.Inf(-1)))
		} else {
			at.biasRow(u.segment, u.head+i, u.lo, k0, matRow(p, i))
		}
		fade := w.weigh(i, matRow(p, i), seen-k0)
		if k0 > 0 && fade != 1 {
			kernel.Scale(matRow(y, i), matRow(y, i), fade)
		}
	}
}

// finish divides by the sums of the weights.
func (at *attention) finish(w *worker, u *unit, y kernel.Mat) {
	for i := range y.Rows {
		kernel.Scale(matRow(y, i), matRow(y, i), 1/w.sum[i])
		if at.lse != nil {
			at.lse[at.lseAt(u, i)] = w.peak[i] + float32(math.Log(float64(w.sum[i])))
		}
	}
}

// weigh turns the scores of row i into weights relative to the row's new
// maximum; those from seen on get none. It returns the factor by which what has
// been summed up before must shrink.
func (w *worker) weigh(i int, scores []float32, seen int) (fade float32) {
	seen = min(max(seen, 0), len(scores))
	clear(scores[seen:])
	if seen == 0 {
		return 1
	}
	old := w.peak[i]
	w.peak[i] = max(old, kernel.Max(scores[:seen]))
	fade = float32(math.Exp(float64(old - w.peak[i])))
	w.sum[i] = float32(w.sum[i]*fade) + kernel.SoftmaxExp(scores[:seen], w.peak[i])
	return fade
}

// lseAt is where the log-sum of row i of u is kept.
func (at *attention) lseAt(u *unit, i int) int {
	if u.heads > 1 {
		return u.q0*at.Heads + u.head + i
	}
	return (u.q0+u.lo+i)*at.Heads + u.head
}

// backward adds to the gradients of the queries, keys and values of u, a whole
// sequence and the heads that share a key head. The weights p are computed anew
// from the log-sums; with ds = p ⊙ (dy·vᵀ - rowsum(dy ⊙ y)),
// dv += pᵀ·dy, dq += scale·ds·k, dk += scale·dsᵀ·q.
func (at *attention) backward(w *worker, u *unit) {
	for h := range u.heads {
		for b := range queryBlocks(u.queries) {
			lo, hi := queryRange(u.queries, b)
			at.backwardBlock(w, &unit{u.segment, u.head + h, 1, lo, hi})
		}
	}
}

func (at *attention) backwardBlock(w *worker, u *unit) {
	dy, y := at.rowsOf(at.dy, u, u.lo, u.hi), at.rowsOf(at.y, u, u.lo, u.hi)
	n := y.Rows
	w.grow(n, at.d)
	q := w.scaled(at.rowsOf(at.q, u, u.lo, u.hi), at.scale)
	dq := kernel.F32Mat(w.dq, n, at.d)
	dk, dv := at.gradients(at.dk), at.gradients(at.dv)
	for i := range n {
		w.dot[i] = kernel.Dot(matRow(dy, i), matRow(y, i))
	}
	last := at.limit(u.segment, u.hi-1)
	for k0 := 0; k0 < last; k0 += keyBlock {
		k1 := min(k0+keyBlock, last)
		p, ds := kernel.F32Mat(w.p, n, k1-k0), kernel.F32Mat(w.dp, n, k1-k0)
		k := at.keysOf(u.k, u.head, k0, k1)
		w.pool.GemmNT(p, q, k, false)
		for i := range n {
			row, seen := matRow(p, i), min(max(at.limit(u.segment, u.lo+i)-k0, 0), k1-k0)
			at.biasRow(u.segment, u.head, u.lo+i, k0, row)
			kernel.SoftmaxExp(row[:seen], at.lse[at.lseAt(u, i)])
			clear(row[seen:])
			u.mask(u.lo+i, k0, row, 0)
			fill(matRow(ds, i), -w.dot[i])
		}
		if at.dv != nil {
			w.pool.GemmTN(at.keysOf(dv, u.head, u.k0+k0, u.k0+k1), p, dy, true)
		}
		if at.dq == nil && at.dk == nil && at.dbias == nil {
			continue
		}
		w.pool.GemmNT(ds, dy, at.keysOf(u.v, u.head, k0, k1), true)
		kernel.Mul(ds.F32[:n*ds.Cols], ds.F32[:n*ds.Cols], p.F32[:n*ds.Cols])
		for i := 0; i < n && at.dbias != nil; i++ {
			at.collectRow(u.segment, u.head, u.lo+i, k0, matRow(ds, i))
		}
		if at.dk != nil {
			w.pool.GemmTN(at.keysOf(dk, u.head, u.k0+k0, u.k0+k1), ds, q, true)
		}
		w.pool.GemmNN(dq, ds, k, k0 > 0)
	}
	if at.dq != nil {
		to := at.rowsOf(at.dq, u, u.lo, u.hi)
		for i := range n {
			kernel.Axpy(matRow(to, i), at.scale, matRow(dq, i))
		}
	}
}

// gradients is the matrix of all gradients of keys or values.
func (at *attention) gradients(s []float32) kernel.Mat {
	w := at.KVHeads * at.d
	return kernel.F32Mat(s, len(s)/w, w)
}

// grow makes room for a block of n queries.
func (w *worker) grow(n, d int) {
	if len(w.sum) < n {
		w.p, w.dp = make([]float32, n*keyBlock), make([]float32, n*keyBlock)
		w.peak, w.sum, w.dot = make([]float32, n), make([]float32, n), make([]float32, n)
	}
	if len(w.q) < n*d {
		w.q, w.dq = make([]float32, n*d), make([]float32, n*d)
	}
}

// scaled is a copy of s·m.
func (w *worker) scaled(m kernel.Mat, s float32) kernel.Mat {
	q := kernel.F32Mat(w.q, m.Rows, m.Cols)
	for i := range m.Rows {
		kernel.Scale(matRow(q, i), matRow(m, i), s)
	}
	return q
}

func matRow(m kernel.Mat, i int) []float32 { return m.F32[i*m.Stride : i*m.Stride+m.Cols] }

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}
