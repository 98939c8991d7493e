package kernel

import "unsafe"

const (
	int8Chunk      = 16        // blocks that are unpacked at a time for a few rows: their panel stays in an L1
	int8PanelBytes = 384 << 10 // of panels that are unpacked at once for many rows, and stay in an L2
	int8InputBytes = 256 << 10 // of rows that go through all of them, beside them
)

// An int8Task is one product under way.
type int8Task struct {
	c    Mat
	keep bool // the product is added to c
	bias []float32
	a, b operand
	kind int8Kind

	blocks int          // along k
	x      []int8Inputs // all blocks of the first 16 rows, then of the next
	meta   []int8Meta   // all blocks of the first 8 rows, then of the next

	pool  *Pool
	phase func(g *int8Task, worker, part int)
	width int // panels in a part
}

// int8Scratch is one worker's memory.
type int8Scratch struct {
	weights []int8Weights
	edge    []byte // rows of a last panel, filled up to 16
	sums    int8Sums
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
	g.blocks = k / int8Block
	groups := ceilDiv(c.Rows, 2*int8Rows)
	g.x = growInt8(g.x, groups*g.blocks)
	g.meta = growInt8(g.meta, 2*groups*g.blocks)
	g.share(ceilDiv(c.Rows, int8Rows), (*int8Task).round)

	panels := ceilDiv(c.Cols, int8Columns)
	most := 1
	if c.Rows > int8Rows {
		most = max(1, int8PanelBytes/(g.blocks*int8WeightBytes))
	}
	g.width = min(ceilDiv(panels, 4*p.workers), most)
	g.share(ceilDiv(panels, g.width), (*int8Task).multiply)
	g.pool, g.c, g.a, g.b, g.bias = nil, Mat{}, operand{}, operand{}, nil
}

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

// round rounds 8 rows of a.
func (g *int8Task) round(_, group int) {
	meta := g.meta[group*g.blocks:][:g.blocks]
	x := g.x[group/2*g.blocks:][:g.blocks]
	rows := min(int8Rows, g.c.Rows-group*int8Rows)
	for i := range rows {
		at := group*int8Rows + i
		int8Round(x, meta, at%(2*int8Rows), g.a.f32[at*g.a.stride:][:g.blocks*int8Block])
	}
	g.kind.finish(meta, rows)
}

// multiply computes some panels of columns of c.
func (g *int8Task) multiply(worker, part int) {
	s := &g.pool.scratch[worker].int8
	lo := part * g.width
	hi := min(lo+g.width, ceilDiv(g.c.Cols, int8Columns))
	if g.c.Rows > int8Rows {
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
	s.sums = int8Sums{}
	for b := 0; b < g.blocks; b += int8Chunk {
		n := min(int8Chunk, g.blocks-b)
		g.unpack(s, s.weights[:n], p, b, false)
		int8Micro(g.kind, s.weights[:n], g.x[b:], 0, g.meta[b:], g.c.Rows, &s.sums)
	}
	g.put(s, p, 0, g.c.Rows)
}

// many multiplies all rows by panels [lo, hi), which are unpacked whole: some rows by
// all panels before the next ones.
func (g *int8Task) many(s *int8Scratch, lo, hi int) {
	s.weights = growInt8(s.weights, (hi-lo)*g.blocks)
	for p := lo; p < hi; p++ {
		g.unpack(s, s.weights[(p-lo)*g.blocks:][:g.blocks], p, 0, MatrixUnits())
	}
	step := max(1, int8InputBytes/(g.blocks*int(unsafe.Sizeof(int8Inputs{})))) * 2 * int8Rows
	for i0 := 0; i0 < g.c.Rows; i0 += step {
		for p := lo; p < hi; p++ {
			for i := i0; i < min(i0+step, g.c.Rows); i += 2 * int8Rows {
				rows := min(2*int8Rows, g.c.Rows-i)
				g.rows(s, s.weights[(p-lo)*g.blocks:][:g.blocks], i, rows)
				g.put(s, p, i, rows)
			}
		}
	}
}

// rows multiplies up to 16 rows from i on by an unpacked panel.
func (g *int8Task) rows(s *int8Scratch, weights []int8Weights, i, rows int) {
	x, meta := g.x[i/(2*int8Rows)*g.blocks:], g.meta[i/int8Rows*g.blocks:]
	if MatrixUnits() {
		s.buffer = grow(s.buffer, 4*tileSums)
		int8Tile(g.kind, weights, x, meta, g.blocks, &s.sums, s.buffer)
		return
	}
	s.sums = int8Sums{}
	for first := 0; first < rows; first += int8Rows {
		sums := (*int8Sums)(unsafe.Pointer(&s.sums[first])) // of no more than 8 rows
		int8Micro(g.kind, weights, x, first, meta[first/int8Rows*g.blocks:], min(int8Rows, rows-first), sums)
	}
}

// unpack unpacks blocks from b on of panel p.
func (g *int8Task) unpack(s *int8Scratch, dst []int8Weights, p, b int, signed bool) {
	o, row := p*int8Columns, g.b.dtype.Bytes(g.b.stride)
	at, size := g.b.dtype.Bytes(o*g.b.stride+b*int8Block), g.b.dtype.Bytes(len(dst)*int8Block)
	if rows := g.c.Cols - o; rows < int8Columns { // missing rows get no weight
		s.edge = growBytes(s.edge, int8Columns*size)
		clear(s.edge)
		for r := range rows {
			copy(s.edge[r*size:(r+1)*size], g.b.raw[at+r*row:])
		}
		int8Pack(dst, s.edge, size, g.b.dtype, 0, signed)
		return
	}
	ahead := size // where the rows go on
	if b+len(dst) == g.blocks {
		ahead = int8Columns*row - g.b.dtype.Bytes(b*int8Block)
	}
	int8Pack(dst, g.b.raw[at:], row, g.b.dtype, ahead, signed)
}

// put stores the sums of rows from i on for panel p.
func (g *int8Task) put(s *int8Scratch, p, i, rows int) {
	j := p * int8Columns
	cols := min(int8Columns, g.c.Cols-j)
	var bias *float32
	if g.bias != nil {
		bias = &g.bias[j]
	}
	tile := unsafe.Slice(&s.sums[0][0], tileSums)
	tileOut(g.c.F32[i*g.c.Stride+j:], g.c.Stride, tile, rows, cols, false, g.keep, bias)
}
