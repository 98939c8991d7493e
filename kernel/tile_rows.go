package kernel

import "unsafe"

// rowsOf has a call multiply panel p of a block's rows from tile t of k on.
func (g *tileTask) rowsOf(call *tileCall, s *scratch, b *tileBlock, p, t int) {
	if g.rows.kMajor {
		g.transposePanel(call, s, b, p)
	} else {
		g.rowPanel(call, s, p, t)
	}
}

// rowPanel has a call multiply panel p of rows from tile t of k on.
func (g *tileTask) rowPanel(call *tileCall, s *scratch, p, t int) {
	x, o, count := g.panel(p)
	if x.dtype == BF16 && !x.kMajor && g.s <= tileDirect && count == panelSide && g.k%tileDepth == 0 {
		call.a = x.pointer(x.index(o, t*tileDepth))
		call.aRow, call.aStep, call.aHalf = 2*x.stride, 2*tileDepth, 2*tileSide*x.stride
		return
	}
	s.tiles.panel = growBytes(s.tiles.panel, panelBytes*max(call.steps, tileBlockK))
	call.a = unsafe.Pointer(&s.tiles.panel[0])
	call.aRow, call.aStep, call.aHalf = 2*tileDepth, panelBytes, tileBytes
	g.packRows(s, s.tiles.panel, p, t*tileDepth, min(call.steps*tileDepth, g.k-t*tileDepth))
}

// packRows packs panel p of rows from t on.
func (g *tileTask) packRows(s *scratch, dst []byte, p, t, length int) {
	at, o, count := g.panel(p)
	x := *at
	switch {
	case packsPanel(at, length):
		call := g.packCall(dst, p, t, length)
		packRowsPanel(x.dtype, &call)
		return
	case x.dtype.Quantised():
		x = s.decode(at, o, count, t, length)
		o, t = 0, 0
	}
	if x.kMajor {
		packAcross(dst, 0, &x, o, count, t, length)
		transposeTiles(dst, tileBytes, 2*ceilDiv(length, tileDepth))
		return
	}
	for i := 0; i < count; i += tileSide {
		packAlong(dst[i/tileSide*tileBytes:], panelBytes, &x, o+i, min(tileSide, count-i), t, length)
	}
}

// packAcrossRows packs all rows of a block from tile t of k on, which lie across k: as
// columns, for transposePanel to make rows of them.
func (g *tileTask) packAcrossRows(s *scratch, b *tileBlock, t int) {
	s.tiles.panels = growBytes(s.tiles.panels, (b.hi-b.lo)*tileBlockK*panelBytes)
	o := b.lo * panelSide
	packAcross(s.tiles.panels, tileBlockK*panelBytes, &g.rows, o, min(b.hi*panelSide, g.r)-o, t*tileDepth, g.length(t))
}

// transposePanel has a call multiply panel p of the rows that packAcrossRows packed.
func (g *tileTask) transposePanel(call *tileCall, s *scratch, b *tileBlock, p int) {
	panel := s.tiles.panels[(p-b.lo)*tileBlockK*panelBytes:]
	transposeTiles(panel, tileBytes, 2*call.steps)
	call.a = unsafe.Pointer(&panel[0])
	call.aRow, call.aStep, call.aHalf = 2*tileDepth, panelBytes, tileBytes
}

// packsPanel reports whether rows of x can be packed by a packCall.
func packsPanel(x *operand, length int) bool {
	return packsPanels(x.dtype) && !x.kMajor && length%tileDepth == 0 && length <= tileBlockK*tileDepth
}

func (g *tileTask) packCall(dst []byte, p, t, length int) packCall {
	x, o, count := g.panel(p)
	elements, _ := x.dtype.Block()
	if !x.dtype.Quantised() {
		elements = tileDepth
	}
	call := packCall{
		dst: &dst[0], src: x.address(o, t), row: x.dtype.Bytes(x.stride), count: count,
		blocks: length / elements, ahead: x.dtype.Bytes(length),
	}
	if t+length == g.k {
		call.ahead = x.dtype.Bytes(panelSide*x.stride) - x.dtype.Bytes(t)
	}
	return call
}
