package kernel

import "unsafe"

const (
	blockM   = 96   // rows of a in one part: with blockK they fill a quarter of a small L2
	blockN   = 2048 // columns of b packed at once, shared by the workers through L3
	streamM  = 24   // up to so many rows, b is packed panel by panel and used at once
	smallMNK = 1 << 17
)

// scratch is one worker's memory.
type scratch struct {
	panels  []float32 // a block of a, or one panel of b when streaming
	tile    []float32 // a tile of c that sticks out over the edge
	decoded []float32 // a part of a quantised b
	tiles   tileScratch
	int8    int8Scratch
}

// grow returns a slice of n floats on a cache line boundary, reusing s when it is long enough.
func grow(s []float32, n int) []float32 {
	if cap(s) >= n {
		return s[:n]
	}
	room := max(n, 2*cap(s)) // a product that grows by a token at a time must not allocate at each
	s = make([]float32, room+15)
	skip := -int(uintptr(unsafe.Pointer(&s[0]))/4) & 15
	return s[skip : skip+n : skip+room]
}

// A gemmTask is one product under way: its phases run as parts on the pool.
type gemmTask struct {
	c       []float32
	ldc     int
	a, b    operand
	m, n, k int
	keep    bool // the product is added to c

	mr, nr int // the micro-kernel's tile
	pool   *Pool
	shared []float32 // packed panels that every worker reads
	phase  func(g *gemmTask, worker, part int)

	j0, nc int // columns of the current block
	t0, kc int // its span of k

	panelsPerPart int
	rowsPerPart   int
	colsPerPart   int
	colParts      int
}

func (g *gemmTask) run(p *Pool, c Mat, a, b operand, k int, accumulate bool) {
	g.pool = p
	g.c, g.ldc, g.a, g.b = c.F32, c.Stride, a, b
	g.m, g.n, g.k, g.keep = c.Rows, c.Cols, k, accumulate
	g.mr, g.nr = microTile()
	if g.m <= streamM && !(b.kMajor && b.dtype.Quantised()) { // panels there are narrower than blocks
		g.stream()
	} else {
		g.blocks()
	}
	g.pool, g.c, g.a, g.b = nil, nil, operand{}, operand{}
}

func (g *gemmTask) runOn(worker, part int) { g.phase(g, worker, part) }

// parts runs a phase; a product too small to share stays on the caller.
func (g *gemmTask) parts(n int, phase func(*gemmTask, int, int)) {
	g.phase = phase
	if g.m*g.n*g.k < smallMNK {
		for i := range n {
			phase(g, 0, i)
		}
		return
	}
	g.pool.run(n, g)
}

// share cuts n items into parts of at most limit, about four for each worker.
func (g *gemmTask) share(n, limit int) int {
	return min(max(ceilDiv(n, 4*g.pool.workers), 1), limit)
}

// blocks is the product of many rows: for each block of columns and of k, all
// workers pack b, then each takes rows of c, packs their a and multiplies.
func (g *gemmTask) blocks() {
	for g.j0 = 0; g.j0 < g.n; g.j0 += blockN {
		g.nc = min(blockN, g.n-g.j0)
		panels := ceilDiv(g.nc, g.nr)
		for g.t0 = 0; g.t0 < g.k; g.t0 += blockK {
			g.kc = min(blockK, g.k-g.t0)
			g.shared = grow(g.shared, panels*g.nr*g.kc)
			g.panelsPerPart = g.share(panels, panels)
			if g.b.kMajor && g.b.dtype.Quantised() {
				g.panelsPerPart = decodedCols / g.nr
			}
			g.parts(ceilDiv(panels, g.panelsPerPart), (*gemmTask).packB)

			g.rowsPerPart = g.share(ceilDiv(g.m, g.mr), blockM/g.mr) * g.mr
			rowParts := ceilDiv(g.m, g.rowsPerPart)
			g.colParts = min(ceilDiv(2*g.pool.workers, rowParts), panels)
			g.colsPerPart = ceilDiv(panels, g.colParts) * g.nr
			g.parts(rowParts*g.colParts, (*gemmTask).multiplyRows)
		}
	}
}

func (g *gemmTask) packB(worker, part int) {
	lo := part * g.panelsPerPart * g.nr
	hi := min(lo+g.panelsPerPart*g.nr, g.nc)
	if g.b.dtype.Quantised() {
		g.packDecoded(&g.pool.scratch[worker], lo, hi)
		return
	}
	for j := lo; j < hi; j += g.nr {
		packPanel(g.shared[j*g.kc:], g.nr, &g.b, g.j0+j, min(g.nr, g.nc-j), g.t0, g.kc)
	}
}

func (g *gemmTask) multiplyRows(worker, part int) {
	s := &g.pool.scratch[worker]
	lo := part / g.colParts * g.rowsPerPart
	hi := min(lo+g.rowsPerPart, g.m)
	s.panels = grow(s.panels, g.rowsPerPart*g.kc)
	for i := lo; i < hi; i += g.mr {
		packPanel(s.panels[(i-lo)*g.kc:], g.mr, &g.a, i, min(g.mr, hi-i), g.t0, g.kc)
	}
	left := part % g.colParts * g.colsPerPart
	for j := left; j < min(left+g.colsPerPart, g.nc); j += g.nr {
		for i := lo; i < hi; i += g.mr {
			g.tile(s, s.panels[(i-lo)*g.kc:], g.shared[j*g.kc:], g.nr, i, g.j0+j, g.t0, g.kc)
		}
	}
}

// stream is the product of few rows, bound by reading b: a is packed once, and
// each worker takes columns, packing one panel of b at a time into its L1.
func (g *gemmTask) stream() {
	rows := ceilDiv(g.m, g.mr) * g.mr
	g.shared = grow(g.shared, rows*g.k)
	for t := 0; t < g.k; t += blockK {
		kc := min(blockK, g.k-t)
		for i := 0; i < g.m; i += g.mr {
			packPanel(g.shared[t*rows+i*kc:], g.mr, &g.a, i, min(g.mr, g.m-i), t, kc)
		}
	}
	panels := ceilDiv(g.n, g.nr)
	g.panelsPerPart = g.share(panels, panels)
	g.parts(ceilDiv(panels, g.panelsPerPart), (*gemmTask).streamColumns)
}

func (g *gemmTask) streamColumns(worker, part int) {
	s := &g.pool.scratch[worker]
	s.panels = grow(s.panels, g.nr*blockK)
	rows := ceilDiv(g.m, g.mr) * g.mr
	lo := part * g.panelsPerPart * g.nr
	for j := lo; j < min(lo+g.panelsPerPart*g.nr, g.n); j += g.nr {
		for t := g.dot(s, j); t < g.k; t += blockK {
			kc := min(blockK, g.k-t)
			g.packPanel(s, j, t, kc)
			for i := 0; i < g.m; i += g.mr {
				g.tile(s, g.shared[t*rows+i*kc:], s.panels, g.nr, i, j, t, kc)
			}
		}
	}
}

// packPanel packs columns of b from j on.
func (g *gemmTask) packPanel(s *scratch, j, t, kc int) {
	count := min(g.nr, g.n-j)
	if !g.b.dtype.Quantised() {
		packPanel(s.panels, g.nr, &g.b, j, count, t, kc)
		return
	}
	b := s.decode(&g.b, j, count, t, kc)
	packPanel(s.panels, g.nr, &b, 0, count, 0, kc)
}

// tile multiplies a panel of a by a panel of b into the tile of c at (i, j).
func (g *gemmTask) tile(s *scratch, a, b []float32, ldb, i, j, t, kc int) {
	rows, cols := min(g.mr, g.m-i), min(g.nr, g.n-j)
	c := g.c[i*g.ldc+j:]
	add := g.keep || t > 0
	if cols == g.nr {
		microKernel(kc, a, b, ldb, c, g.ldc, rows, add)
		return
	}
	s.tile = grow(s.tile, g.mr*g.nr)
	microKernel(kc, a, b, ldb, s.tile, g.nr, rows, false)
	for r := range rows {
		from, to := s.tile[r*g.nr:r*g.nr+cols], c[r*g.ldc:r*g.ldc+cols]
		if !add {
			copy(to, from)
			continue
		}
		for x, v := range from {
			to[x] += v
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
