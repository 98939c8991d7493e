package ops

// Where products round their operands, the keys and values of a head are packed
// once for many queries: a unit is a chunk of queries of one head.
const chunkQueries = 256

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
	if u.branches != nil || at.bias != nil {
		at.forward(w, u)
		return
	}
	last := at.limit(u.segment, u.hi-1)
	w.keys.PackNT(at.keysOf(u.k, u.head, 0, last))
	w.values.PackNN(at.keysOf(u.v, u.head, 0, last), keyBlock)
	q := at.start(w, u)
	w.seen = w.seen[:0]
	for i := range q.Rows {
		seen := last
		if u.heads == 1 {
			seen = at.limit(u.segment, u.lo+i)
		}
		w.seen = append(w.seen, int32(seen))
	}
	var lse []float32
	if at.lse != nil {
		lse = w.sum[:q.Rows]
	}
	w.pool.AttendPacked(at.rowsOf(at.y, u, u.lo, u.hi), q, &w.keys, &w.values, w.seen, lse)
	for i, v := range lse {
		at.lse[at.lseAt(u, i)] = v
	}
}
