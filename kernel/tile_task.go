package kernel

import "unsafe"

const (
	tileBlockK    = 16  // tiles along k that are multiplied at a time: a panel of rows then fills two thirds of an L1
	tileBlockRows = 256 // vectors in one part: with tileBlockK and tileBlockCols they fill most of an L2
	tileBlockCols = 640
	tilePassBytes = 32 << 20 // of columns that are packed at once
	tileDirect    = 64       // up to so many columns, rows that are bfloat16 already are used where they are
	packDepth     = 32       // tiles along k that are packed as one part
)

// A tileTask is one product under way. rows are the vectors of b in the form
// NT, whose weights can be used in place, and those of a in the others.
type tileTask struct {
	c    []float32
	ldc  int
	keep bool // the product is added to c
	flip bool // rows of tiles are columns of c

	rows, cols operand
	r, s, k    int // vectors in rows and cols, and their length
	steps      int // tiles along k

	pool   *Pool
	packed []byte // panels of columns
	phase  func(g *tileTask, worker, part int)

	s0, sn     int // columns of the current pass
	rowParts   int
	colBlock   int // columns of a block, whole panels
	colBlocks  int
	packPanels int // panels of columns in a part of packing
	packParts  int // parts along k
}

// tileScratch is one worker's memory.
type tileScratch struct {
	panel []byte // of rows
	sums  []float32
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

func (g *tileTask) run(p *Pool, c Mat, a, b operand, k int, accumulate bool) {
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
		for g.s0 = 0; g.s0 < g.s; g.s0 += pass {
			g.sn = min(pass, g.s-g.s0)
			g.product()
		}
	}
	g.pool, g.c, g.rows, g.cols = nil, nil, operand{}, operand{}
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

// product packs the columns of a pass; then each worker takes blocks of sums.
func (g *tileTask) product() {
	g.packed = growBytes(g.packed, ceilDiv(g.sn, panelSide)*panelBytes*g.steps)
	g.packPanels = 1
	if g.cols.kMajor && g.cols.dtype.Quantised() {
		g.packPanels = decodedCols / panelSide
	}
	g.packParts = ceilDiv(g.steps, packDepth)
	g.parts(ceilDiv(g.sn, g.packPanels*panelSide)*g.packParts, (*tileTask).packPart)

	panels := ceilDiv(g.sn, panelSide)
	g.colBlocks = ceilDiv(panels*panelSide, tileBlockCols)
	g.colBlock = ceilDiv(panels, g.colBlocks) * panelSide
	g.colBlocks = ceilDiv(g.sn, g.colBlock)
	g.rowParts = g.split(ceilDiv(g.r, panelSide))
	g.parts(g.rowParts*g.colBlocks, (*tileTask).multiply)
}

// split tells in how many parts of equal size the panels of rows are best cut.
func (g *tileTask) split(panels int) int {
	parts := ceilDiv(panels*panelSide, tileBlockRows)
	parts = ceilDiv(parts, g.pool.workers) * g.pool.workers
	return min(parts, panels)
}

// packPart packs some panels of columns over some of k.
func (g *tileTask) packPart(worker, part int) {
	s := &g.pool.scratch[worker]
	lo := part / g.packParts * g.packPanels * panelSide
	hi := min(lo+g.packPanels*panelSide, g.sn)
	t0 := part % g.packParts * packDepth
	steps := min(packDepth, g.steps-t0)
	x, o, t := g.cols, g.s0+lo, t0*tileDepth
	if x.dtype.Quantised() {
		x = s.decode(&g.cols, o, hi-lo, t, min(steps*tileDepth, g.k-t))
		o, t = 0, 0
	}
	for j := lo; j < hi; j += tileSide {
		dst := g.packed[g.column(j)+t0*panelBytes:]
		packTiles(dst, panelBytes, &x, o+j-lo, min(tileSide, hi-j), t, min(steps*tileDepth, g.k-t0*tileDepth), false)
	}
}

// column is where the tiles of column j of the pass begin.
func (g *tileTask) column(j int) int {
	return j/panelSide*panelBytes*g.steps + j%panelSide/tileSide*tileBytes
}

// multiply computes a block of sums: panels of rows by a block of columns.
func (g *tileTask) multiply(worker, part int) {
	s := &g.pool.scratch[worker]
	panels := ceilDiv(g.r, panelSide)
	row := part / g.colBlocks
	lo, hi := row*panels/g.rowParts, (row+1)*panels/g.rowParts
	j0 := part % g.colBlocks * g.colBlock
	cols := min(g.colBlock, g.sn-j0)
	sums := ceilDiv(cols, panelSide) * panelSums
	s.tiles.sums = grow(s.tiles.sums, sums*(hi-lo))
	call := tileCall{bPanel: panelBytes * g.steps, panels: cols / panelSide}
	if rest := cols % panelSide; rest > tileSide {
		call.panels++
	} else if rest > 0 {
		call.half = 1
	}
	for t := 0; t < g.steps; t += tileBlockK {
		call.steps = min(tileBlockK, g.steps-t)
		call.load = min(t, 1)
		call.b = unsafe.Pointer(&g.packed[g.column(j0)+t*panelBytes])
		for p := lo; p < hi; p++ {
			g.rowPanel(&call, s, p, t)
			c := s.tiles.sums[(p-lo)*sums:]
			call.c = &c[0]
			tileProduct(&call)
			if t+call.steps == g.steps {
				g.put(c, p*panelSide, j0, cols)
			}
		}
	}
}

// rowPanel has a call multiply panel p of rows from tile t of k on.
func (g *tileTask) rowPanel(call *tileCall, s *scratch, p, t int) {
	o := p * panelSide
	count := min(panelSide, g.r-o)
	if g.rows.dtype == BF16 && !g.rows.kMajor && g.s <= tileDirect && count == panelSide && g.k%tileDepth == 0 {
		call.a = g.rows.pointer(g.rows.index(o, t*tileDepth))
		call.aRow, call.aStep, call.aHalf = 2*g.rows.stride, 2*tileDepth, 2*tileSide*g.rows.stride
		return
	}
	s.tiles.panel = growBytes(s.tiles.panel, panelBytes*tileBlockK)
	call.a = unsafe.Pointer(&s.tiles.panel[0])
	call.aRow, call.aStep, call.aHalf = 2*tileDepth, panelBytes, tileBytes
	x, length := g.rows, min(call.steps*tileDepth, g.k-t*tileDepth)
	t *= tileDepth
	if x.dtype.Quantised() {
		x = s.decode(&g.rows, o, count, t, length)
		o, t = 0, 0
	}
	for i := 0; i < count; i += tileSide {
		packTiles(s.tiles.panel[i/tileSide*tileBytes:], panelBytes, &x, o+i, min(tileSide, count-i), t, length, true)
	}
}

// put stores the sums of 32 rows from r0 on and cols columns from j0 of the pass on.
func (g *tileTask) put(sums []float32, r0, j0, cols int) {
	for j := 0; j < cols; j += tileSide {
		for i := 0; i < min(panelSide, g.r-r0); i += tileSide {
			tile := sums[j/panelSide*panelSums+(j%panelSide/tileSide*2+i/tileSide)*tileSums:]
			rows, columns := min(tileSide, g.r-r0-i), min(tileSide, cols-j)
			at := g.s0 + j0 + j
			if g.flip {
				tileOutTransposed(g.c[at*g.ldc+r0+i:], g.ldc, tile, columns, rows, g.keep)
			} else {
				tileOut(g.c[(r0+i)*g.ldc+at:], g.ldc, tile, rows, columns, g.keep)
			}
		}
	}
}

// vector is the product of all rows by one column, as decoding needs it: bound by reading the rows.
func (g *tileTask) vector() {
	g.packed = growBytes(g.packed, 2*tileDepth*g.steps)
	packVector(g.packed, &g.cols, g.k)
	panels := ceilDiv(g.r, panelSide)
	g.rowParts = min(panels, 8*g.pool.workers)
	g.parts(g.rowParts, (*tileTask).multiplyVector)
}

func (g *tileTask) multiplyVector(worker, part int) {
	s := &g.pool.scratch[worker]
	panels := ceilDiv(g.r, panelSide)
	s.tiles.sums = grow(s.tiles.sums, panelSide)
	call := tileCall{c: &s.tiles.sums[0]}
	for p := part * panels / g.rowParts; p < (part+1)*panels/g.rowParts; p++ {
		for t := 0; t < g.steps; t += call.steps {
			call.steps = min(tileBlockK, g.steps-t)
			call.load = min(t, 1)
			call.b = unsafe.Pointer(&g.packed[t*2*tileDepth])
			g.rowPanel(&call, s, p, t)
			tileVector(&call)
		}
		for i, v := range s.tiles.sums[:min(panelSide, g.r-p*panelSide)] {
			at := p*panelSide + i
			if !g.flip {
				at *= g.ldc
			}
			if g.keep {
				v += g.c[at]
			}
			g.c[at] = v
		}
	}
}
