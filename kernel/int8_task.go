package kernel

import "unsafe"

// int8Chunk is how many blocks are unpacked at a time for a few rows: their panel stays in an L1.
const int8Chunk = 16

// An int8Task is one product under way.
type int8Task struct {
	c    Mat
	keep bool // the product is added to c
	bias []float32
	a, b operand
	kind int8Kind

	blocks int // along k
	x      []int8
	meta   []int8Meta // of each block of the first 8 rows, then of the next 8

	pool  *Pool
	phase func(g *int8Task, worker, part int)
	parts int
}

// int8Scratch is one worker's memory.
type int8Scratch struct {
	weights []int8Weights
	edge    []byte // rows of a last panel, filled up to 16
	sums    [int8Rows][int8Columns]float32
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
	groups := ceilDiv(c.Rows, int8Rows)
	if need := groups * int8Rows * k; cap(g.x) < need {
		g.x = make([]int8, need+need/2)
	}
	if need := groups * g.blocks; cap(g.meta) < need {
		g.meta = make([]int8Meta, need+need/2)
	}
	g.x, g.meta = g.x[:cap(g.x)], g.meta[:cap(g.meta)]
	g.share(groups, (*int8Task).round)
	panels := ceilDiv(c.Cols, int8Columns)
	g.parts = min(panels, 16*p.workers)
	g.share(g.parts, (*int8Task).multiply)
	g.pool, g.c, g.a, g.b, g.bias = nil, Mat{}, operand{}, operand{}, nil
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
	k := g.blocks * int8Block
	meta := g.meta[group*g.blocks:][:g.blocks]
	rows := min(int8Rows, g.c.Rows-group*int8Rows)
	for i := range rows {
		at := (group*int8Rows + i)
		int8Round(g.x[at*k:(at+1)*k], meta, i, g.a.f32[at*g.a.stride:][:k])
	}
	g.kind.finish(meta, rows)
}

// multiply computes some panels of columns of c.
func (g *int8Task) multiply(worker, part int) {
	s := &g.pool.scratch[worker].int8
	panels := ceilDiv(g.c.Cols, int8Columns)
	for p := part * panels / g.parts; p < (part+1)*panels/g.parts; p++ {
		if g.c.Rows <= int8Rows {
			g.few(s, p)
		} else {
			g.many(s, p)
		}
	}
}

// few multiplies up to 8 rows by a panel that is unpacked chunk by chunk, each to be used at once.
func (g *int8Task) few(s *int8Scratch, p int) {
	s.grow(int8Chunk)
	s.sums = [int8Rows][int8Columns]float32{}
	for b := 0; b < g.blocks; b += int8Chunk {
		n := min(int8Chunk, g.blocks-b)
		g.unpack(s, p, b, n)
		int8Micro(g.kind, s.weights[:n], g.x[b*int8Block:], g.blocks*int8Block, g.meta[b:], g.c.Rows, &s.sums)
	}
	g.put(s, p, 0, g.c.Rows)
}

// many multiplies all rows by a panel that is unpacked whole.
func (g *int8Task) many(s *int8Scratch, p int) {
	s.grow(g.blocks)
	g.unpack(s, p, 0, g.blocks)
	k := g.blocks * int8Block
	for i := 0; i < g.c.Rows; i += int8Rows {
		rows := min(int8Rows, g.c.Rows-i)
		s.sums = [int8Rows][int8Columns]float32{}
		int8Micro(g.kind, s.weights, g.x[i*k:], k, g.meta[i/int8Rows*g.blocks:], rows, &s.sums)
		g.put(s, p, i, rows)
	}
}

func (s *int8Scratch) grow(blocks int) {
	if cap(s.weights) < blocks {
		raw := growBytes(nil, blocks*int8WeightBytes)
		s.weights = unsafe.Slice((*int8Weights)(unsafe.Pointer(&raw[0])), blocks)
	}
	s.weights = s.weights[:blocks]
}

// unpack unpacks n blocks from block b on of panel p.
func (g *int8Task) unpack(s *int8Scratch, p, b, n int) {
	o, row := p*int8Columns, g.b.dtype.Bytes(g.b.stride)
	at, size := g.b.dtype.Bytes(o*g.b.stride+b*int8Block), g.b.dtype.Bytes(n*int8Block)
	if rows := g.c.Cols - o; rows < int8Columns { // missing rows get no weight
		s.edge = growBytes(s.edge, int8Columns*size)
		clear(s.edge)
		for r := range rows {
			copy(s.edge[r*size:(r+1)*size], g.b.raw[at+r*row:])
		}
		int8Pack(s.weights[:n], s.edge, size, g.b.dtype, 0)
		return
	}
	ahead := size // where the rows go on
	if b+n == g.blocks {
		ahead = int8Columns*row - g.b.dtype.Bytes(b*int8Block)
	}
	int8Pack(s.weights[:n], g.b.raw[at:], row, g.b.dtype, ahead)
}

// put stores the sums of rows from i on for panel p.
func (g *int8Task) put(s *int8Scratch, p, i, rows int) {
	j := p * int8Columns
	cols := min(int8Columns, g.c.Cols-j)
	for r := range rows {
		c := g.c.F32[(i+r)*g.c.Stride+j:][:cols]
		for x, v := range s.sums[r][:cols] {
			if g.bias != nil {
				v += g.bias[j+x]
			}
			if g.keep {
				v += c[x]
			}
			c[x] = v
		}
	}
}
