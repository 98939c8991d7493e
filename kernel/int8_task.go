package kernel

import "unsafe"

const (
	int8Few        = 8         // up to so many rows, a panel is unpacked in an L1 and used at once
	int8Chunk      = 16        // blocks that are unpacked at a time for a few rows: their panel stays in an L1
	int8Depth      = 64        // blocks that are multiplied at a time for many rows
	int8PanelBytes = 640 << 10 // of panels that are unpacked at once for many rows, and stay in an L2
	int8InputBytes = 128 << 10 // of rows that go through all of them, beside them
)

// An int8Task is one product under way.
type int8Task struct {
	c    Mat
	keep bool // the product is added to c
	bias []float32
	a, b operand
	kind int8Kind

	blocks int         // along k
	side   int         // rows side by side in x
	x      []int8Input // all blocks of the first rows side by side, then of the next
	meta   []int8Meta  // all blocks of the first 4 rows, then of the next

	pool  *Pool
	phase func(g *int8Task, worker, part int)
	width int // panels in a part
}

// int8Scratch is one worker's memory.
type int8Scratch struct {
	weights []int8Weights
	edge    []byte // rows of a last panel, filled up to 16
	sums    [2][]int8Line
	call    int8Call
	buffer  []float32 // of the matrix unit
}

func (g *int8Task) runOn(worker, part int) { g.phase(g, worker, part) }

// takesInt8 reports whether a product's second operand has levels of few bits along k.
func takesInt8(b *operand) bool {
	_, ok := int8KindOf(b.dtype)
	return ok && !b.kMajor
}

func (g *int8Task) run(p *Pool, c Mat, a, b operand, k int, accumulate bool, bias []float32) {
	g.pool, g.c, g.a, g.b, g.keep, g.bias = p, c, a, b, accumulate, bias
	g.kind, _ = int8KindOf(b.dtype)
	g.kind.signed = g.tiled() || int8Signs() && g.kind.zero == 128
	g.blocks = k / g.kind.elements()
	g.side = int8Rows
	if g.tiled() {
		g.side = tileSide
	}
	rows := ceilDiv(c.Rows, g.side) * g.side
	g.x = growInt8(g.x, rows*g.blocks)
	g.meta = growInt8(g.meta, rows/int8Rows*g.blocks)
	g.share(ceilDiv(c.Rows, int8Few), (*int8Task).round)

	panels := ceilDiv(c.Cols, int8Columns)
	g.width = ceilDiv(panels, 8*p.workers) // one after the other, as memory is fetched ahead
	if c.Rows > int8Few {
		g.width = min(ceilDiv(panels, 4*p.workers), max(1, int8PanelBytes/(g.blocks*int8WeightBytes)))
		g.width = ceilDiv(g.width, 2) * 2 // calls take two
	}
	g.share(ceilDiv(panels, g.width), (*int8Task).multiply)
	g.pool, g.c, g.a, g.b, g.bias = nil, Mat{}, operand{}, operand{}, nil
}

// tiled reports whether the matrix unit multiplies.
func (g *int8Task) tiled() bool { return MatrixUnits() && g.c.Rows > int8Few }

// input is where the blocks of x of a row, and those beside it, begin with block b.
func (g *int8Task) input(row, b int) []int8Input {
	return g.x[(row/g.side*g.blocks+b)*g.side+row%g.side:]
}

// metaOf is where the meta of a row begins with block b.
func (g *int8Task) metaOf(row, b int) []int8Meta { return g.meta[row/int8Rows*g.blocks+b:] }

// growInt8 returns n elements on a cache line boundary, reusing s when it is long enough.
func growInt8[E any](s []E, n int) []E {
	if cap(s) >= n {
		return s[:n]
	}
	var e E
	raw := growBytes(nil, (n+n/4)*int(unsafe.Sizeof(e)))
	return unsafe.Slice((*E)(unsafe.Pointer(&raw[0])), n+n/4)[:n]
}

// share runs a phase; a product too small to share stays on the caller.
func (g *int8Task) share(n int, phase func(*int8Task, int, int)) {
	g.phase = phase
	if g.c.Rows*g.c.Cols*g.blocks*int8Block < smallMNK {
		for i := range n {
			phase(g, 0, i)
		}
		return
	}
	g.pool.run(n, g)
}

// round rounds some rows of a.
func (g *int8Task) round(_, part int) {
	k := g.blocks * g.kind.elements()
	for i := part * int8Few; i < min((part+1)*int8Few, g.c.Rows); i += int8Rows {
		meta, rows := g.metaOf(i, 0)[:g.blocks], min(int8Rows, g.c.Rows-i)
		for r := range rows {
			int8Round(g.input(i+r, 0), g.side, meta, r, g.a.f32[(i+r)*g.a.stride:][:k])
		}
		if g.kind.short {
			g.halve(i, rows)
		}
		g.kind.finish(meta, rows)
	}
}

// halve makes two blocks of each that was rounded of some rows from i on: the second
// half of the elements becomes the first one of the next block.
func (g *int8Task) halve(i, rows int) {
	x, meta := g.input(i, 0), g.metaOf(i, 0)
	for b := g.blocks/2 - 1; b >= 0; b-- {
		m := meta[b]
		for half := range 2 {
			n := &meta[2*b+half]
			n.scale, n.start[0], n.start[1] = m.scale, m.start[half], [int8Rows]int32{}
		}
		for r := range rows {
			both := x[b*g.side+r]
			for half := range 2 {
				at := &x[(2*b+half)*g.side+r]
				*at = int8Input{}
				copy(at[:int8Block/2], both[half*int8Block/2:])
			}
		}
	}
}

// multiply computes some panels of columns of c.
func (g *int8Task) multiply(worker, part int) {
	s := &g.pool.scratch[worker].int8
	lo := part * g.width
	hi := min(lo+g.width, ceilDiv(g.c.Cols, int8Columns))
	if g.c.Rows > int8Few {
		g.many(s, lo, hi)
		return
	}
	for p := lo; p < hi; p++ {
		g.few(s, p)
	}
}

// few multiplies up to 8 rows by a panel that is unpacked chunk by chunk, each to be used at once.
func (g *int8Task) few(s *int8Scratch, p int) {
	s.weights = growInt8(s.weights, int8Chunk)
	s.clearSums(g.c.Rows)
	for b := 0; b < g.blocks; b += int8Chunk {
		s.call.panels[0] = s.weights[:min(int8Chunk, g.blocks-b)]
		g.unpack(s, s.call.panels[0], p, b)
		g.micro(s, 0, g.c.Rows, b)
	}
	g.put(p, 0, g.c.Rows, s.sums[0])
	s.call = int8Call{}
}

// many multiplies all rows by panels [lo, hi), which are unpacked whole: some rows by
// all panels before the next ones.
func (g *int8Task) many(s *int8Scratch, lo, hi int) {
	s.weights = growInt8(s.weights, (hi-lo)*g.blocks)
	for p := lo; p < hi; p++ {
		g.unpack(s, g.panel(s, lo, p), p, 0)
	}
	step := max(1, int8InputBytes/(g.blocks*int8Block*tileSide)) * tileSide
	for i := 0; i < g.c.Rows; i += step {
		rows := min(step, g.c.Rows-i)
		for p := lo; p < hi; p += int8Panels() {
			if end := min(p+int8Panels(), hi); g.tiled() {
				g.tiles(s, lo, p, end, i, rows)
			} else {
				g.strip(s, lo, p, end, i, rows)
			}
		}
	}
	s.call = int8Call{}
}

// panel is an unpacked panel of those from lo on.
func (g *int8Task) panel(s *int8Scratch, lo, p int) []int8Weights {
	return s.weights[(p-lo)*g.blocks:][:g.blocks]
}

// strip multiplies some rows from i on by panels [p, end), one or two of those from lo
// on, chunk by chunk of k, each to stay in an L1.
func (g *int8Task) strip(s *int8Scratch, lo, p, end, i, rows int) {
	s.clearSums(rows)
	for b := 0; b < g.blocks; b += int8Depth {
		n := min(int8Depth, g.blocks-b)
		s.call.panels[1] = nil
		for k := range end - p {
			s.call.panels[k] = g.panel(s, lo, p+k)[b:][:n]
		}
		g.micro(s, i, rows, b)
	}
	for k := range end - p {
		g.put(p+k, i, rows, s.sums[k])
	}
}

// micro adds products of some rows from i on, with blocks from b on, to the sums.
func (g *int8Task) micro(s *int8Scratch, i, rows, b int) {
	for r := 0; r < rows; r += int8Rows {
		s.call.x, s.call.meta = g.input(i+r, b), g.metaOf(i+r, b)
		for k := range s.sums {
			s.call.sums[k] = s.sums[k][r:]
		}
		int8Micro(g.kind, &s.call, min(int8Rows, rows-r))
	}
}

// clearSums makes room for the sums of some rows.
func (s *int8Scratch) clearSums(rows int) {
	for k := range s.sums {
		s.sums[k] = growInt8(s.sums[k], ceilDiv(rows, tileSide)*tileSide)
		clear(s.sums[k])
	}
}

// tiles is strip by the matrix unit.
func (g *int8Task) tiles(s *int8Scratch, lo, p, end, i, rows int) {
	s.clearSums(tileSide)
	s.buffer = grow(s.buffer, 8*tileSums)
	for ; p < end; p++ {
		for r := i; r < i+rows; r += tileSide {
			int8Tile(g.kind, g.panel(s, lo, p), g.input(r, 0), g.metaOf(r, 0), s.sums[0], s.buffer)
			g.put(p, r, min(tileSide, i+rows-r), s.sums[0])
		}
	}
}

// unpack unpacks blocks from b on of panel p.
func (g *int8Task) unpack(s *int8Scratch, dst []int8Weights, p, b int) {
	d, o, k := g.b.dtype, p*int8Columns, g.kind.elements()
	row, at, size := d.Bytes(g.b.stride), d.Bytes(o*g.b.stride+b*k), d.Bytes(len(dst)*k)
	if rows := g.c.Cols - o; rows < int8Columns { // missing rows get no weight
		s.edge = growBytes(s.edge, int8Columns*size)
		clear(s.edge)
		for r := range rows {
			copy(s.edge[r*size:(r+1)*size], g.b.raw[at+r*row:])
		}
		int8Pack(g.kind, dst, s.edge, size, d, 0)
		return
	}
	ahead := size // where the rows go on
	if b+len(dst) == g.blocks {
		ahead = int8Columns*row - d.Bytes(b*k)
	}
	int8Pack(g.kind, dst, g.b.raw[at:], row, d, ahead)
}

// put stores the sums of some rows from i on for panel p; there is room for whole tiles.
func (g *int8Task) put(p, i, rows int, sums []int8Line) {
	j := p * int8Columns
	cols := min(int8Columns, g.c.Cols-j)
	var bias *float32
	if g.bias != nil {
		bias = &g.bias[j]
	}
	for r := 0; r < rows; r += tileSide {
		tile := unsafe.Slice(&sums[r][0], tileSums)
		tileOut(g.c.F32[(i+r)*g.c.Stride+j:], g.c.Stride, tile, min(tileSide, rows-r), cols, g.keep, bias)
	}
}
