package kernel

import "unsafe"

const (
	tileBlockK     = 16        // tiles along k that are multiplied at a time: a panel of rows then fills two thirds of an L1
	tileBlockRows  = 256       // vectors in one part: with tileBlockK and tileBlockCols they fill most of an L2
	tileBlockCols  = 640       // at most
	tileCacheBytes = 640 << 10 // of columns that stay in an L2 beside everything else
	tilePassBytes  = 32 << 20  // of columns that are packed at once
	tileDirect     = 128       // up to so many columns, rows that are bfloat16 already are used where they are
	tileConvert    = 128       // from so many rows of a on, a float32 b is converted once, as columns
)

// A tileTask is one product under way. rows are the vectors of a; in the form NT, if
// there are few of them or b's can be used in place, those of b.
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

	local      bool // each worker packs the columns of its blocks itself
	s0, sn     int  // columns of the current pass
	rowParts   int
	colBlock   int // columns of a block, whole panels
	colBlocks  int
	packPanels int // panels of columns in a part of packing
	packSteps  int // tiles along k in one
}

// tileScratch is one worker's memory.
type tileScratch struct {
	panel   []byte      // of rows
	panels  []byte      // of all rows of a block, if they lie across k
	columns tileColumns // of a block, if they are not shared
	sums    []float32
	attend  tileAttend
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
	if g.flip = !b.kMajor && (b.dtype != F32 || c.Rows < tileConvert); g.flip {
		g.rows, g.cols, g.r, g.s = b, a, c.Cols, c.Rows
	}
	g.local = g.s > 1 && g.cols.kMajor && !g.cols.dtype.Quantised() && g.r <= tileBlockRows
	switch {
	case g.s == 1:
		g.vector()
	case g.local:
		g.s0, g.sn = 0, g.s
		g.blocks()
	default:
		g.passes()
	}
	g.pool, g.c, g.bias, g.rows, g.cols = nil, nil, nil, operand{}, operand{}
}

// passes packs as many columns as a pass has, and multiplies by them.
func (g *tileTask) passes() {
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

// blocks has each worker take blocks of sums, by the packed columns.
func (g *tileTask) blocks() {
	panels := ceilDiv(g.sn, panelSide)
	g.colBlocks = ceilDiv(panels*panelSide, tileBlockCols)
	if g.local {
		g.colBlocks = ceilDiv(g.colBlocks, g.pool.workers) * g.pool.workers
	}
	g.colBlock = ceilDiv(panels, g.colBlocks) * panelSide
	g.colBlocks = ceilDiv(g.sn, g.colBlock)
	g.rowParts = 1
	if !g.local {
		g.rowParts = g.split(ceilDiv(g.r, panelSide))
	}
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

// A tileBlock is a block of sums.
type tileBlock struct {
	lo, hi   int  // panels of rows
	j0, cols int  // columns of the pass
	deep     bool // the columns of a block of k serve all rows before the next block comes
	early    bool // sums are stored as soon as a panel of rows has them, along rows of c
}

// block is number part of a pass. While the columns stay in L2, panels of rows are best
// used up one after the other.
func (g *tileTask) block(part int) tileBlock {
	stride := g.stride()
	panels := ceilDiv(g.r, panelSide) / stride
	row := part % g.rowParts
	b := tileBlock{lo: row * panels / g.rowParts * stride, hi: (row + 1) * panels / g.rowParts * stride, j0: part / g.rowParts * g.colBlock}
	b.cols = min(g.colBlock, g.sn-b.j0)
	b.deep = g.local || g.rows.kMajor || b.cols*g.steps*2*tileDepth > tileCacheBytes
	b.early = !b.deep && !g.flip
	return b
}

// place is the panel of rows and the tile along k that are multiplied as number i.
func (g *tileTask) place(b *tileBlock, i int) (p, t int) {
	if b.deep {
		return b.lo + i%(b.hi-b.lo), i / (b.hi - b.lo) * tileBlockK
	}
	blocks := ceilDiv(g.steps, tileBlockK)
	return b.lo + i/blocks, i % blocks * tileBlockK
}

// multiply computes a block of sums.
func (g *tileTask) multiply(worker, part int) {
	s, b := &g.pool.scratch[worker], g.block(part)
	sums, held := ceilDiv(b.cols, panelSide)*panelSums, b.hi-b.lo
	if b.early {
		held = 1
	}
	s.tiles.sums = grow(s.tiles.sums, sums*held)
	call := tileCall{bPanel: panelBytes * tileBlockK}
	call.columns(b.cols)
	for i := range (b.hi - b.lo) * ceilDiv(g.steps, tileBlockK) {
		p, t := g.place(&b, i)
		call.steps = min(tileBlockK, g.steps-t)
		call.load = min(t, 1)
		call.c = &s.tiles.sums[(p-b.lo)%held*sums]
		g.columns(&call, s, &b, p, t)
		g.rowsOf(&call, s, &b, p, t)
		g.fetch(&call, &b, i+1)
		tileProduct(&call)
		if b.early && t+call.steps == g.steps {
			g.put(s.tiles.sums, p, p+1, b.j0, b.cols)
		}
	}
	switch {
	case g.hand != nil:
		g.hand.take(s.tiles.sums, b.lo, b.hi, b.j0, b.cols)
	case !b.early:
		g.put(s.tiles.sums, b.lo, b.hi, b.j0, b.cols)
	}
}

// columns has a call multiply by the columns of a block from tile t of k on, and packs
// what is packed for all rows of the block before the first of them.
func (g *tileTask) columns(call *tileCall, s *scratch, b *tileBlock, p, t int) {
	first := p == b.lo
	if first && g.rows.kMajor {
		g.packAcrossRows(s, b, t)
	}
	if !g.local {
		call.b = unsafe.Pointer(&g.packed.at(b.j0, t/tileBlockK)[0])
		return
	}
	if first {
		g.packLocal(s, b, t)
	}
	call.b = unsafe.Pointer(&s.tiles.columns.data[0])
}

// fetch has a call fetch the rows that will be packed next, as number i.
func (g *tileTask) fetch(call *tileCall, b *tileBlock, i int) {
	p, t := g.place(b, i)
	call.fetch, call.fetchRow = call.a, 0
	if p*panelSide >= g.r || t >= g.steps {
		return
	}
	if x, o, _ := g.panel(p); !x.kMajor {
		call.fetch, call.fetchRow = x.address(o, t*tileDepth), x.dtype.Bytes(x.stride)
	}
}
