package kernel

import "unsafe"

// vectorBlockK is tileBlockK for one column: two panels of rows, one that is packed and
// one that is multiplied meanwhile, then stay in an L1.
const vectorBlockK = 8

// vector is the product of all rows by one column, as decoding needs it: bound by reading the rows.
func (g *tileTask) vector() {
	g.packed.data = growBytes(g.packed.data, 2*tileDepth*g.steps)
	packVector(g.packed.data, &g.cols, g.k)
	panels := ceilDiv(g.r, panelSide)
	g.rowParts = min(panels, 8*g.pool.workers)
	g.parts(g.rowParts, (*tileTask).multiplyVector)
}

func (g *tileTask) multiplyVector(worker, part int) {
	s := &g.pool.scratch[worker]
	panels := ceilDiv(g.r, panelSide)
	lo, hi := part*panels/g.rowParts, (part+1)*panels/g.rowParts
	s.tiles.sums = grow(s.tiles.sums, panelSide)
	if !packsPanel(&g.rows, g.k%tileDepth) {
		g.vectorInPlace(s, lo, hi)
		return
	}
	s.tiles.panel = growBytes(s.tiles.panel, 2*panelBytes*vectorBlockK)
	half := len(s.tiles.panel) / 2
	blocks := ceilDiv(g.steps, vectorBlockK)
	var before tileCall // the block that is packed, and not yet multiplied
	for i := range (hi - lo) * blocks {
		p, t := lo+i/blocks, i%blocks*vectorBlockK
		steps := min(vectorBlockK, g.steps-t)
		panel := s.tiles.panel[i%2*half:][:half]
		call := g.packCall(panel, p, t*tileDepth, steps*tileDepth)
		if i > 0 {
			call.a, call.b, call.c, call.load, call.tiles = before.a, before.b, before.c, before.load, 2*before.steps
		}
		packRowsPanel(g.rows.dtype, &call)
		if i > 0 && t == 0 {
			g.putVector(s.tiles.sums, p-1)
		}
		before = tileCall{
			a: unsafe.Pointer(&panel[0]), aRow: 2 * tileDepth, aStep: panelBytes, aHalf: tileBytes, c: &s.tiles.sums[0],
			b: unsafe.Pointer(&g.packed.data[t*2*tileDepth]), steps: steps, load: min(t, 1),
		}
	}
	tileVector(&before)
	g.putVector(s.tiles.sums, hi-1)
}

// vectorInPlace multiplies panels [lo, hi) of rows that are packed one by one, or used where they are.
func (g *tileTask) vectorInPlace(s *scratch, lo, hi int) {
	call := tileCall{c: &s.tiles.sums[0]}
	for p := lo; p < hi; p++ {
		for t := 0; t < g.steps; t += call.steps {
			call.steps = min(vectorBlockK, g.steps-t)
			call.load = min(t, 1)
			call.b = unsafe.Pointer(&g.packed.data[t*2*tileDepth])
			g.rowPanel(&call, s, p, t)
			tileVector(&call)
		}
		g.putVector(s.tiles.sums, p)
	}
}

// putVector stores the sums of panel p of rows.
func (g *tileTask) putVector(sums []float32, p int) {
	for i, v := range sums[:min(panelSide, g.r-p*panelSide)] {
		at := p*panelSide + i
		if g.bias != nil {
			v += g.bias[at]
		}
		if !g.flip {
			at *= g.ldc
		}
		if g.keep {
			v += g.c[at]
		}
		g.c[at] = v
	}
}
