package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// AttendPacked computes y = softmax(q·kᵀ)·v for keys packed by PackNT and values packed
// by PackNN; row i of q sees the first seen[i] keys. Unless it is nil, lse receives the
// logarithm of the sum of each row's exponentials. It runs on the caller.
//
// Keys are taken in the values' blocks of k, with a running maximum and sum, and the
// weights are rounded to bfloat16: a row's result depends neither on the other rows
// nor on keys that it does not see.
func (p *Pool) AttendPacked(y, q Mat, keys, values *Packed, seen []int32, lse []float32) {
	if len(seen) != q.Rows || y.Rows != q.Rows || y.Cols != values.n || q.Cols != keys.k || keys.n != values.k ||
		values.block%panelSide != 0 || keys.block != keys.k {
		panic(fmt.Sprintf("kernel: AttendPacked: y %s, q %s, %d seen, keys %d×%d, values %d×%d in blocks of %d",
			y.shape(), q.shape(), len(seen), keys.n, keys.k, values.k, values.n, values.block))
	}
	g := &p.tiles
	g.c, g.ldc, g.flip, g.s0, g.s = y.F32, y.Stride, false, 0, y.Cols
	g.rows, g.r, g.k, g.steps = operandOf(q, false), q.Rows, q.Cols, ceilDiv(q.Cols, tileDepth)
	for r := 0; r < q.Rows; r += panelSide {
		p.attendPanel(r, keys, values, seen[r:min(r+panelSide, q.Rows)], lse)
	}
	g.c, g.rows = nil, operand{}
}

// attendPanel is AttendPacked for the rows from r on, one panel of them.
func (p *Pool) attendPanel(r int, keys, values *Packed, seen []int32, lse []float32) {
	g, s := &p.tiles, &p.scratch[0]
	a := &s.tiles.attend
	a.start(values.block)
	var most int32
	for _, n := range seen {
		most = max(most, n)
	}
	scores := tileCall{bPanel: keys.depth * panelBytes, steps: g.steps, c: &a.scores[0]}
	g.rowPanel(&scores, s, r/panelSide, 0)
	scores.fetch = scores.a
	s.tiles.sums = grow(s.tiles.sums, ceilDiv(values.n, panelSide)*panelSums)
	sums := tileCall{
		a: unsafe.Pointer(&a.weights[0]), aRow: 2 * tileDepth, aStep: panelBytes, aHalf: tileBytes,
		bPanel: values.depth * panelBytes, c: &s.tiles.sums[0], fetch: unsafe.Pointer(&a.weights[0]),
	}
	sums.columns(values.n)
	for k0 := 0; k0 < int(most); k0 += values.block {
		n := min(values.block, int(most)-k0)
		scores.b = unsafe.Pointer(&keys.at(k0, 0)[0])
		scores.columns(n)
		tileProduct(&scores)
		a.weigh(seen, k0, n)
		if k0 > 0 {
			a.shrink(g, r, len(seen), values.n)
		}
		sums.b = unsafe.Pointer(&values.at(0, k0/values.block)[0])
		sums.steps = ceilDiv(n, tileDepth)
		tileProduct(&sums)
		g.keep = k0 > 0
		g.put(s.tiles.sums, r/panelSide, r/panelSide+1, 0, values.n)
	}
	for i, sum := range a.sum[:len(seen)] {
		row := g.c[(r+i)*g.ldc : (r+i)*g.ldc+values.n]
		Scale(row, row, 1/sum)
		if lse != nil {
			lse[r+i] = a.peak[i] + float32(math.Log(float64(sum)))
		}
	}
}

// tileAttend is the memory for a panel of rows.
type tileAttend struct {
	scores          []float32 // tiles
	weights         []byte    // tiles of bfloat16
	peak, sum, fade [panelSide]float32
	seen            [panelSide]int32 // of the block
}

func (a *tileAttend) start(block int) {
	a.scores = grow(a.scores, ceilDiv(block, panelSide)*panelSums)
	a.weights = growBytes(a.weights, ceilDiv(block, tileDepth)*panelBytes)
	a.sum = [panelSide]float32{}
	for i := range a.peak {
		a.peak[i] = float32(math.Inf(-1))
	}
}

// weigh turns the scores of a block of n keys from k0 on into weights, with a new
// maximum and sum for each row, and the factor by which what came before must shrink.
func (a *tileAttend) weigh(seen []int32, k0, n int) {
	for i, s := range seen {
		a.seen[i] = min(max(s-int32(k0), 0), int32(n))
	}
	tileWeigh(&weighCall{
		scores: &a.scores[0], weights: &a.weights[0], seen: &a.seen[0], peak: &a.peak[0], sum: &a.sum[0], fade: &a.fade[0],
		rows: len(seen), steps: ceilDiv(n, tileDepth),
	})
}

func (a *tileAttend) shrink(g *tileTask, r, rows, cols int) {
	for i, f := range a.fade[:rows] {
		if f != 1 {
			row := g.c[(r+i)*g.ldc : (r+i)*g.ldc+cols]
			Scale(row, row, f)
		}
	}
}

// A weighCall turns a panel of scores into weights, tiles of bfloat16. Row i has
// scores for seen[i] keys, the others get no weight.
type weighCall struct {
	scores          *float32
	weights         *byte
	seen            *int32
	peak, sum, fade *float32 // of each row
	rows            int
	steps           int // panels of keys
}

// tileWeighGeneric computes, for each row,
//
//	old, peak = peak, max(peak, scores...)
//	fade = exp(old - peak)
//	weights = bfloat16(exp(scores - peak))
//	sum = sum·fade + Σ exp(scores - peak)
func tileWeighGeneric(call *weighCall) {
	n := call.steps * panelSide
	scores := unsafe.Slice(call.scores, call.steps*panelSums)
	weights := unsafe.Slice((*uint16)(unsafe.Pointer(call.weights)), call.steps*panelBytes/2)
	for i := range call.rows {
		at := func(key int) int {
			return key/panelSide*panelSums + key%panelSide/tileSide*2*tileSums + i*tileSide + key%tileSide
		}
		field := func(p *float32) *float32 { return &unsafe.Slice(p, call.rows)[i] }
		seen := int(unsafe.Slice(call.seen, call.rows)[i])
		peak, sum, fade := field(call.peak), field(call.sum), field(call.fade)
		old := *peak
		for key := range seen {
			*peak = max(*peak, scores[at(key)])
		}
		*fade = exp32(old - *peak)
		var l lanes
		for key := range n {
			var e float32
			if key < seen {
				e = exp32(scores[at(key)] - *peak)
			}
			l[key%16] += e
			weights[key/tileDepth*panelBytes/2+i*tileDepth+key%tileDepth] = floatToBrain(e)
		}
		*sum = float32(*sum**fade) + l.fold()
	}
}
