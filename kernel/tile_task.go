package kernel

import "unsafe"

const (
	tileBlockK     = 16        // tiles along k that are multiplied at a time: a panel of rows then fills two thirds of an L1
	tileBlockRows  = 256       // vectors in one part: with tileBlockK and tileBlockCols they fill most of an L2
	tileBlockCols  = 640       // at most
	tileCacheBytes = 640 << 10 // of columns that stay in an L2 beside everything else
	tilePassBytes  = 32 << 20  // of columns that are packed at once
	tileDirect     = 64        // up to so many columns, rows that are bfloat16 already are used where they are
)

// A tileTask is one product under way. rows are the vectors of b in the form
// NT, whose weights can be used in place, and those of a in the others.
type tileTask struct {
	c    []float32
	ldc  int
	keep bool      // the product is added to c
	bias []float32 // added to every row of c, in the form NT; may be nil
	flip bool      // rows of tiles are columns of c

	rows, cols operand
	r, s, k    int       // vectors in rows and cols, and their length
	steps      int       // tiles along k
	hand       *handOver // where the sums go instead of c; nil in plain products

	pool   *Pool
	packed tileColumns
	phase  func(g *tileTask, worker, part int)

	s0, sn     int // columns of the current pass
	rowParts   int
	colBlock   int // columns of a block, whole panels
	colBlocks  int
	packPanels int // panels of columns in a part of packing
}

// tileScratch is one worker's memory.
type tileScratch struct {
	panel  []byte // of rows
	sums   []float32
	attend tileAttend
}

// growBytes returns n bytes on a cache line boundary, reusing b when it is long enough.
func growBytes(b []byte, n int) []byte {
	if cap(b) >= n {
		return b[:n]
	}
	room := max(n, 2*cap(b))
	b = make([]byte, room+63)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & 63
	return b[skip : skip+n : skip+room]
}

func (g *tileTask) run(p *Pool, c Mat, a, b operand, k int, accumulate bool, bias []float32) {
	g.bias = bias
	g.pool, g.c, g.ldc, g.keep, g.k = p, c.F32, c.Stride, accumulate, k
	g.steps = ceilDiv(k, tileDepth)
	g.rows, g.cols, g.r, g.s = a, b, c.Rows, c.Cols
	if g.flip = !b.kMajor; g.flip {
		g.rows, g.cols, g.r, g.s = b, a, c.Cols, c.Rows
	}
	if g.s == 1 {
		g.vector()
	} else {
		pass := max(tilePassBytes/(tileDepth*2*g.steps)/panelSide*panelSide, tileBlockCols)
		if g.cols.kMajor && g.cols.dtype.Quantised() { // whole blocks
			pass = ceilDiv(pass, decodedCols) * decodedCols
		}
		for g.s0 = 0; g.s0 < g.s; g.s0 += pass {
			g.sn = min(pass, g.s-g.s0)
			g.pack()
			g.blocks()
		}
	}
	g.pool, g.c, g.bias, g.rows, g.cols = nil, nil, nil, operand{}, operand{}
}

func (g *tileTask) runOn(worker, part int) { g.phase(g, worker, part) }

// parts runs a phase; a product too small to share stays on the caller.
func (g *tileTask) parts(n int, phase func(*tileTask, int, int)) {
	g.phase = phase
	if g.r*g.s*g.k < smallMNK {
		for i := range n {
			phase(g, 0, i)
		}
		return
	}
	g.pool.run(n, g)
}

// pack packs the columns of a pass.
func (g *tileTask) pack() {
	g.packed.grow(g.sn, g.steps, tileBlockK)
	g.packPanels = 1
	if g.cols.kMajor && g.cols.dtype.Quantised() {
		g.packPanels = decodedCols / panelSide
	}
	g.parts(ceilDiv(g.packed.panels, g.packPanels)*ceilDiv(g.steps, tileBlockK), (*tileTask).packPart)
}

// blocks has each worker take blocks of sums, by the packed columns.
func (g *tileTask) blocks() {
	g.colBlocks = ceilDiv(g.packed.panels*panelSide, tileBlockCols)
	g.colBlock = ceilDiv(g.packed.panels, g.colBlocks) * panelSide
	g.colBlocks = ceilDiv(g.sn, g.colBlock)
	g.rowParts = g.split(ceilDiv(g.r, panelSide))
	g.parts(g.rowParts*g.colBlocks, (*tileTask).multiply)
}

// split tells in how many parts of equal size the panels of rows are best cut.
func (g *tileTask) split(panels int) int {
	parts := ceilDiv(panels*panelSide, tileBlockRows)
	parts = ceilDiv(parts, g.pool.workers) * g.pool.workers
	return min(parts, panels/g.stride())
}

// stride is the number of panels that stay in one block: those of a gate and of what it opens.
func (g *tileTask) stride() int {
	if g.hand != nil && g.hand.gated {
		return 2
	}
	return 1
}

// panel is where a panel of rows is: the operand, the first vector and how many there are.
func (g *tileTask) panel(p int) (x *operand, o, count int) {
	if g.stride() == 1 {
		return &g.rows, p * panelSide, min(panelSide, g.r-p*panelSide)
	}
	x = &g.rows
	if p%2 == 1 {
		x = &g.hand.gate
	}
	return x, p / 2 * panelSide, panelSide
}

// packPart packs some panels of columns over some of k.
func (g *tileTask) packPart(worker, part int) {
	s := &g.pool.scratch[worker]
	groups := ceilDiv(g.packed.panels, g.packPanels)
	lo := part % groups * g.packPanels * panelSide
	hi := min(lo+g.packPanels*panelSide, g.sn)
	block := part / groups
	t, length := block*tileBlockK*tileDepth, min(tileBlockK*tileDepth, g.k-block*tileBlockK*tileDepth)
	x, o := g.cols, g.s0+lo
	if x.dtype.Quantised() {
		x = s.decode(&g.cols, o, hi-lo, t, length)
		o, t = 0, 0
	}
	for j := lo; j < hi; j += tileSide {
		packTiles(g.packed.at(j, block), panelBytes, &x, o+j-lo, min(tileSide, hi-j), t, length, false)
	}
}

// multiply computes a block of sums: panels of rows by a block of columns.
func (g *tileTask) multiply(worker, part int) {
	s := &g.pool.scratch[worker]
	stride := g.stride()
	panels := ceilDiv(g.r, panelSide) / stride
	row := part % g.rowParts
	lo, hi := row*panels/g.rowParts*stride, (row+1)*panels/g.rowParts*stride
	j0 := part / g.rowParts * g.colBlock
	cols := min(g.colBlock, g.sn-j0)
	sums := ceilDiv(cols, panelSide) * panelSums
	s.tiles.sums = grow(s.tiles.sums, sums*(hi-lo))
	call := tileCall{bPanel: panelBytes * tileBlockK}
	call.columns(cols)
	for i := range (hi - lo) * ceilDiv(g.steps, tileBlockK) {
		p, t := g.place(i, lo, hi, cols)
		call.steps = min(tileBlockK, g.steps-t)
		call.load = min(t, 1)
		call.b = unsafe.Pointer(&g.packed.at(j0, t/tileBlockK)[0])
		g.rowPanel(&call, s, p, t)
		c := s.tiles.sums[(p-lo)*sums:]
		call.c = &c[0]
		g.fetch(&call, i+1, lo, hi, cols)
		tileProduct(&call)
	}
	if g.hand != nil {
		g.hand.take(s.tiles.sums, lo, hi, j0, cols)
		return
	}
	g.put(s.tiles.sums, lo, hi, j0, cols)
}

// place is the panel of rows and the tile along k that are multiplied as number i. While
// the columns stay in L2, panels of rows are best used up one after the other; else the
// columns of a block of k serve all rows before the next block comes.
func (g *tileTask) place(i, lo, hi, cols int) (p, t int) {
	if cols*g.steps*2*tileDepth <= tileCacheBytes {
		blocks := ceilDiv(g.steps, tileBlockK)
		return lo + i/blocks, i % blocks * tileBlockK
	}
	return lo + i%(hi-lo), i / (hi - lo) * tileBlockK
}

// fetch has a call fetch the rows that will be packed next, as number i.
func (g *tileTask) fetch(call *tileCall, i, lo, hi, cols int) {
	p, t := g.place(i, lo, hi, cols)
	call.fetch, call.fetchRow = call.a, 0
	if p*panelSide >= g.r || t >= g.steps {
		return
	}
	if x, o, _ := g.panel(p); !x.kMajor {
		call.fetch, call.fetchRow = x.address(o, t*tileDepth), x.dtype.Bytes(x.stride)
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
	case packsPanel(at, t, length):
		call := g.packCall(dst, p, t, length)
		packRowsPanel(x.dtype, &call)
		return
	case x.dtype.Quantised():
		x = s.decode(at, o, count, t, length)
		o, t = 0, 0
	}
	for i := 0; i < count; i += tileSide {
		packTiles(dst[i/tileSide*tileBytes:], panelBytes, &x, o+i, min(tileSide, count-i), t, length, true)
	}
}

// packsPanel reports whether rows of x can be packed by a packCall.
func packsPanel(x *operand, t, length int) bool {
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

// put stores the sums of panels [lo, hi) of rows and of cols columns from j0 of the
// pass on. It goes along rows of c as far as it can.
func (g *tileTask) put(sums []float32, lo, hi, j0, cols int) {
	panel := ceilDiv(cols, panelSide) * panelSums
	for j := 0; j < cols; j += tileSide {
		columns, to := min(tileSide, cols-j), g.s0+j0+j
		for r := lo * panelSide; r < min(hi*panelSide, g.r); r += tileSide {
			rows := min(tileSide, g.r-r)
			tile := sums[(r/panelSide-lo)*panel+j/panelSide*panelSums+(j%panelSide/tileSide*2+r%panelSide/tileSide)*tileSums:]
			if g.flip {
				tileOut(g.c[to*g.ldc+r:], g.ldc, tile, columns, rows, true, g.keep, g.biasAt(r))
			} else {
				tileOut(g.c[r*g.ldc+to:], g.ldc, tile, rows, columns, false, g.keep, nil)
			}
		}
	}
}

// biasAt is where the bias of column j of c begins, nil if there is none.
func (g *tileTask) biasAt(j int) *float32 {
	if g.bias == nil {
		return nil
	}
	return &g.bias[j]
}
