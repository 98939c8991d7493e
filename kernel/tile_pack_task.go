package kernel

// pack packs the columns of a pass.
func (g *tileTask) pack() {
	g.packed.grow(g.sn, g.steps, tileBlockK)
	switch {
	case g.cols.kMajor && g.cols.dtype.Quantised():
		g.packPanels = decodedCols / panelSide
	case g.cols.kMajor:
		g.packSteps = 4
		if g.steps < 16*g.pool.workers {
			g.packSteps = 1
		}
		g.parts(ceilDiv(g.steps, g.packSteps), (*tileTask).packRowsOfColumns)
		return
	default:
		g.packPanels = 1
	}
	g.parts(ceilDiv(g.packed.panels, g.packPanels)*ceilDiv(g.steps, tileBlockK), (*tileTask).packPart)
}

// packRowsOfColumns packs some steps of k of all columns, which lie across it: whole rows
// of memory.
func (g *tileTask) packRowsOfColumns(_, part int) {
	step := part * g.packSteps
	t := step * tileDepth
	dst := g.packed.at(0, step/tileBlockK)[step%tileBlockK*panelBytes:]
	packAcross(dst, tileBlockK*panelBytes, &g.cols, g.s0, g.sn, t, min(g.packSteps*tileDepth, g.k-t))
}

// packPart packs some panels of columns over a block of k.
func (g *tileTask) packPart(worker, part int) {
	s := &g.pool.scratch[worker]
	groups := ceilDiv(g.packed.panels, g.packPanels)
	lo := part % groups * g.packPanels * panelSide
	hi := min(lo+g.packPanels*panelSide, g.sn)
	block := part / groups
	t := block * tileBlockK
	x, o, from := g.cols, g.s0+lo, t*tileDepth
	if x.dtype.Quantised() {
		x = s.decode(&g.cols, o, hi-lo, from, g.length(t))
		o, from = 0, 0
	}
	packColumns(&g.packed, block, lo, &x, o, hi-lo, from, g.length(t))
}

// packColumns packs vectors [o, o+count) of x over k in [t, t+length), a block of it, as
// columns from j on.
func packColumns(dst *tileColumns, block, j int, x *operand, o, count, t, length int) {
	if x.kMajor {
		packAcross(dst.at(j, block), dst.depth*panelBytes, x, o, count, t, length)
		return
	}
	for i := 0; i < count; i += tileSide {
		tiles := dst.at(j+i, block)
		packAlong(tiles, panelBytes, x, o+i, min(tileSide, count-i), t, length)
		transposeTiles(tiles, panelBytes, ceilDiv(length, tileDepth))
	}
}

// packLocal packs the columns of a block from tile t of k on, for one worker.
func (g *tileTask) packLocal(s *scratch, b *tileBlock, t int) {
	s.tiles.columns.grow(b.cols, min(tileBlockK, g.steps), tileBlockK)
	packColumns(&s.tiles.columns, 0, 0, &g.cols, g.s0+b.j0, b.cols, t*tileDepth, g.length(t))
}

// length is how much of k there is in the block from tile t on.
func (g *tileTask) length(t int) int { return min(tileBlockK*tileDepth, g.k-t*tileDepth) }
