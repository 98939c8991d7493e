package ops

import "github.com/fovea-ml/fovea/kernel"

// Where products round their operands, the keys and values of a head are packed
// once for many queries: a unit is a chunk of queries of one head.
const (
	chunkQueries = 256
	packedRows   = 64 // queries at a time
)

// chunkUnits cuts the work into such units.
func (at *attention) chunkUnits() {
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
			for lo := 0; lo < s.queries; lo += chunkQueries {
				at.units = append(at.units, unit{s, h, 1, lo, min(lo+chunkQueries, s.queries)})
			}
		}
	}
}

// forwardPacked is forward for a chunk.
func (at *attention) forwardPacked(w *worker, u *unit) {
	last := at.limit(u.segment, u.hi-1)
	w.keys.PackNT(at.keysOf(u.k, u.head, 0, last))
	w.values.PackNN(at.keysOf(u.v, u.head, 0, last), keyBlock)
	for lo := u.lo; lo < u.hi; lo += packedRows {
		at.forwardRows(w, &unit{u.segment, u.head, u.heads, lo, min(lo+packedRows, u.hi)})
	}
}

// forwardRows is forward by packed keys and values.
func (at *attention) forwardRows(w *worker, u *unit) {
	y := at.rowsOf(at.y, u, u.lo, u.hi)
	q := at.start(w, u)
	last := at.limit(u.segment, u.hi-1)
	for k0 := 0; k0 < last; k0 += keyBlock {
		seen := min(keyBlock, last-k0)
		p := kernel.Mat{Rows: q.Rows, Cols: seen, Stride: keyBlock, F32: w.p}
		w.pool.GemmPacked(p, q, &w.keys, k0, 0, false)
		p.Cols = (seen + 31) &^ 31 // whole tiles: weigh clears what is not seen
		at.weighRows(w, u, y, p, k0)
		w.pool.GemmPacked(y, p, &w.values, 0, k0, k0 > 0)
	}
	at.finish(w, u, y)
}
