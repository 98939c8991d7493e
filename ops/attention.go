package ops

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Attn says who attends to whom.
type Attn struct {
	Heads   int
	KVHeads int     // divides Heads; query head h reads key head h·KVHeads/Heads
	Scale   float32 // of the scores; 0 stands for 1/√(head width)
	Causal  bool    // the last query sees all keys, each one before it one key less

	// Starts are the bounds of the packed sequences among the rows of q, KStarts
	// those among the rows of k and v: one more than there are sequences, the first
	// 0. Nil Starts: one sequence. Nil KStarts: the same as Starts.
	Starts, KStarts []int

	// Branches, one for each sequence, cut it into branches that do not see each
	// other, only the trunk before the first: the first row of each, counted from
	// the start of the sequence. Nil: no branches. For training, with Causal.
	Branches [][]int

	Relative *Relative // biases by distance; nil: none

	// Past, one for each sequence, is what has been seen before: k and v are
	// appended to it, and attended to after it. Nil in training.
	Past []*KV
}

func (a *Attn) table() *T {
	if a.Relative == nil {
		return nil
	}
	return a.Relative.Table
}

// Attention is y = softmax(scale·q·kᵀ + bias + mask)·v for every sequence and head,
// with q [tokens, Heads·d] and k, v [tokens, KVHeads·d]: [tokens, Heads·d].
//
// It is computed in blocks, so that memory does not grow with the square of the
// length (Dao et al. 2022, https://arxiv.org/abs/2205.14135). Blocks of keys start
// at multiples of keyBlock counted from the start of the sequence: a token's
// result is the same to the bit in a whole prefill, in a chunked one and alone.
func Attention(c *tensor.Ctx, q, k, v *T, a *Attn) *T {
	y := c.New(q.Shape, q, k, v, a.table())
	var lse []float32
	if y.NeedsGrad() {
		lse = c.Scratch(q.Rows() * a.Heads)
	}
	at := tensor.Reuse[attention](c)
	at.begin(c, q, k, v, a)
	at.y, at.lse = y.F32, lse
	if c.Pool.Rounds() {
		at.chunkUnits()
		at.share(c.Pool, (*attention).forwardPacked)
	} else {
		at.queryUnits()
		at.share(c.Pool, (*attention).forward)
	}
	if y.NeedsGrad() {
		lse := lse
		c.Record(y, func() {
			at.begin(c, q, k, v, a)
			at.y, at.lse = y.F32, lse
			at.dy, at.dq, at.dk, at.dv = y.Grad(), gradOf(c, q), gradOf(c, k), gradOf(c, v)
			at.beginTable(c)
			dbias := at.dbias
			at.keyUnits()
			at.share(c.Pool, (*attention).backward)
			at.endTable(c, dbias)
		})
	}
	return y
}

const (
	keyBlock   = 256
	queryBlock = 64      // a sequence is cut into equal blocks of at most one and a half times this
	minShare   = 1 << 16 // multiply-adds that are worth a second worker
)

// attention is one call under way, and the memory that calls share.
type attention struct {
	*Attn
	q, k, v, y     []float32
	dy, dq, dk, dv []float32
	lse            []float32 // log Σ exp(score), [tokens, Heads], kept for the backward
	bias, dbias    []float32 // of Relative by head and distance; its gradients by sequence too
	d              int       // width of a head
	scale          float32

	segments []segment
	units    []unit
	next     atomic.Int64
	work     func(a *attention, w *worker, u *unit)
	workers  []worker
}

// segment is one sequence: where its queries are, and its keys and values.
type segment struct {
	number      int
	q0, queries int
	k0, keys    int        // rows of k and v
	k, v        kernel.Mat // [keys, KVHeads·d]
	branches    []int      // first query of each
}

// unit is a piece of work: some queries of a sequence for one head, or its only
// query for all heads that share a key head.
type unit struct {
	*segment
	head, heads int
	lo, hi      int // queries, counted from the start of the sequence
}

// worker is the memory of one worker.
type worker struct {
	pool           *kernel.Pool // of one: a task must not use the pool it runs on
	keys, values   kernel.Packed
	seen           []int32
	q, p, dp, dq   []float32
	peak, sum, dot []float32 // by row of the block
}

// begin checks the operands and finds the sequences among them.
func (at *attention) begin(c *tensor.Ctx, q, k, v *T, a *Attn) {
	if a.Heads < 1 || a.KVHeads < 1 || a.Heads%a.KVHeads != 0 || q.Cols()%a.Heads != 0 {
		panic(fmt.Sprintf("ops: Attention: q %v with %d heads, %d of them for keys", q.Shape, a.Heads, a.KVHeads))
	}
	at.Attn, at.d, at.scale = a, q.Cols()/a.Heads, a.Scale
	if at.scale == 0 {
		at.scale = float32(1 / math.Sqrt(float64(at.d)))
	}
	if k.Cols() != at.d*a.KVHeads || v.Cols() != k.Cols() || v.Rows() != k.Rows() {
		panic(fmt.Sprintf("ops: Attention: q %v, k %v, v %v with %d heads, %d of them for keys",
			q.Shape, k.Shape, v.Shape, a.Heads, a.KVHeads))
	}
	at.q, at.k, at.v = q.F32, k.F32, v.F32
	at.segments = at.segments[:0]
	starts, kstarts := a.Starts, a.KStarts
	if starts == nil {
		at.segment(0, q.Rows(), 0, k.Rows())
	} else {
		if kstarts == nil {
			kstarts = starts
		}
		checkStarts(starts, q.Rows())
		checkStarts(kstarts, k.Rows())
		if len(starts) != len(kstarts) {
			panic(fmt.Sprintf("ops: Attention: %d bounds of queries, %d of keys", len(starts), len(kstarts)))
		}
		for i := range len(starts) - 1 {
			at.segment(starts[i], starts[i+1], kstarts[i], kstarts[i+1])
		}
	}
	if a.Past != nil {
		at.extend(c)
	}
	at.branch()
	at.relate(c)
	for i, s := range at.segments {
		if s.queries > 0 && (s.keys == 0 || a.Causal && s.keys < s.queries) {
			panic(fmt.Sprintf("ops: Attention: sequence %d has %d queries, %d keys", i, s.queries, s.keys))
		}
	}
}

func checkStarts(starts []int, rows int) {
	ok := len(starts) > 0 && starts[0] == 0 && starts[len(starts)-1] == rows
	if !ok || !slices.IsSorted(starts) {
		panic(fmt.Sprintf("ops: Attention: bounds %v of %d rows", starts, rows))
	}
}

// segment notes a sequence given by its rows.
func (at *attention) segment(q0, q1, k0, k1 int) {
	w := at.d * at.KVHeads
	at.segments = append(at.segments, segment{
		number: len(at.segments), q0: q0, queries: q1 - q0, k0: k0, keys: k1 - k0,
		k: kernel.F32Mat(at.k[k0*w:k1*w], k1-k0, w), v: kernel.F32Mat(at.v[k0*w:k1*w], k1-k0, w),
	})
}

// branch notes the branches of the sequences.
func (at *attention) branch() {
	if at.Branches == nil {
		return
	}
	if len(at.Branches) != len(at.segments) || !at.Causal || at.Past != nil {
		panic(fmt.Sprintf("ops: Attention: branches of %d sequences for %d, causal %v, with a cache %v",
			len(at.Branches), len(at.segments), at.Causal, at.Past != nil))
	}
	for i := range at.segments {
		s, b := &at.segments[i], at.Branches[i]
		if len(b) > 0 && (s.queries != s.keys || b[0] < 1 || b[len(b)-1] > s.queries || !slices.IsSorted(b)) {
			panic(fmt.Sprintf("ops: Attention: sequence %d has %d queries, %d keys and branches %v", i, s.queries, s.keys, b))
		}
		s.branches = b
	}
}

// extend appends the new keys and values to the caches, which then take their place.
func (at *attention) extend(c *tensor.Ctx) {
	w := at.d * at.KVHeads
	if c.Train || len(at.Past) != len(at.segments) {
		panic(fmt.Sprintf("ops: Attention: %d caches for %d sequences, training %v", len(at.Past), len(at.segments), c.Train))
	}
	for i := range at.segments {
		s, kv := &at.segments[i], at.Past[i]
		if kv.width != w {
			panic(fmt.Sprintf("ops: Attention: keys of width %d, cache of %d", w, kv.width))
		}
		if kv.n == 0 && kv.k.dtype == tensor.F32 && c.Pool.Rounds() {
			kv.Store(tensor.BF16) // they would be rounded each time that they are read
		}
		kv.append(s.k.F32, s.v.F32)
		s.keys = kv.n
		s.k, s.v = kv.matrices()
	}
}

// share hands the units to the workers. Which worker gets which has no influence on the result.
func (at *attention) share(p *kernel.Pool, work func(*attention, *worker, *unit)) {
	cost := 0
	for i := range at.units {
		u := &at.units[i]
		cost += (u.hi - u.lo) * u.heads * u.keys * at.d
	}
	n := min(p.Workers(), len(at.units))
	if cost < minShare {
		n = 1
	}
	for len(at.workers) < n {
		at.workers = append(at.workers, worker{pool: kernel.NewPool(1)})
	}
	if p != nil {
		for i := range n {
			at.workers[i].pool.Compute = p.Compute
		}
	}
	at.work = work
	at.next.Store(0)
	p.Run(n, at)
	at.q, at.k, at.v, at.y, at.lse = nil, nil, nil, nil, nil
	at.dy, at.dq, at.dk, at.dv = nil, nil, nil, nil
	at.bias, at.dbias = nil, nil
}

// Run is one worker: it takes units until there are none left.
func (at *attention) Run(part int) {
	w := &at.workers[part]
	for {
		i := int(at.next.Add(1)) - 1
		if i >= len(at.units) {
			return
		}
		at.work(at, w, &at.units[i])
	}
}

// queryUnits cuts the work into units whose outputs are apart.
func (at *attention) queryUnits() {
	at.units = at.units[:0]
	group := at.Heads / at.KVHeads
	for i := range at.segments {
		s := &at.segments[i]
		if s.queries == 1 {
			for h := 0; h < at.Heads; h += group {
				at.units = append(at.units, unit{s, h, group, 0, 1})
			}
			continue
		}
		for h := range at.Heads {
			for b := 0; b < queryBlocks(s.queries) && s.queries > 0; b++ {
				lo, hi := queryRange(s.queries, b)
				at.units = append(at.units, unit{s, h, 1, lo, hi})
			}
		}
	}
}

// keyUnits cuts the work into units whose key and value gradients are apart too.
func (at *attention) keyUnits() {
	at.units = at.units[:0]
	group := at.Heads / at.KVHeads
	for i := range at.segments {
		s := &at.segments[i]
		for h := 0; h < at.Heads && s.queries > 0; h += group {
			at.units = append(at.units, unit{s, h, group, 0, s.queries})
		}
	}
}

// queryBlocks is the number of equal blocks that n queries are cut into.
func queryBlocks(n int) int { return max(1, (n+queryBlock/2)/queryBlock) }

// queryRange is block b of them.
func queryRange(n, b int) (lo, hi int) {
	blocks := queryBlocks(n)
	return n * b / blocks, n * (b + 1) / blocks
}
