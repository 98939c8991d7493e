package kernel

import (
	"fmt"
	"unsafe"
)

// tileColumns are packed columns: for each block of depth tiles along k one panel
// after the other, and in a panel one tile along k after the other.
type tileColumns struct {
	data   []byte
	panels int
	depth  int
}

// grow makes room for n columns of so many tiles along k.
func (x *tileColumns) grow(n, steps, depth int) {
	x.panels, x.depth = ceilDiv(n, panelSide), depth
	x.data = growBytes(x.data, x.panels*ceilDiv(steps, depth)*depth*panelBytes)
}

// at is where column j begins, the first of a tile, in a block of k.
func (x *tileColumns) at(j, block int) []byte {
	return x.data[(block*x.panels+j/panelSide)*x.depth*panelBytes+j%panelSide/tileSide*tileBytes:]
}

// Packed is the second operand of several products whose operands are rounded to
// bfloat16, packed once for all of them.
type Packed struct {
	tileColumns
	n, k  int // columns, and their length
	block int // of k, for one product
}

// PackNT packs b [n, k] for products c = a·bᵀ.
func (x *Packed) PackNT(b Mat) { x.pack(operandOf(b, false), b.Rows, b.Cols, b.Cols) }

// PackNN packs b [k, n] for products c = a·b, each of which takes a block of k:
// block elements, a multiple of 32, or what is left.
func (x *Packed) PackNN(b Mat, block int) { x.pack(operandOf(b, true), b.Cols, b.Rows, block) }

func (x *Packed) pack(from operand, n, k, block int) {
	x.n, x.k, x.block = n, k, block
	x.grow(n, ceilDiv(k, tileDepth), ceilDiv(block, tileDepth))
	for t := 0; t < k; t += block {
		for j := 0; j < n; j += tileSide {
			packTiles(x.at(j, t/block), panelBytes, &from, j, min(tileSide, n-j), t, min(block, k-t), false)
		}
	}
}

// GemmPacked computes c = a·x, or c += a·x, for columns of x from j0 on, a multiple of
// 32, and the block of k that begins at t0. a may have fewer columns than that block,
// a multiple of 32, or more, up to one, if those are zero. It runs on the caller.
func (p *Pool) GemmPacked(c, a Mat, x *Packed, j0, t0 int, accumulate bool) {
	length := min(x.block, x.k-t0)
	if c.Rows != a.Rows || j0+c.Cols > x.n || j0%panelSide != 0 || t0%x.block != 0 ||
		a.Cols > ceilDiv(length, tileDepth)*tileDepth || a.Cols%tileDepth != 0 && a.Cols != length {
		panic(fmt.Sprintf("kernel: GemmPacked: c %s, a %s, b %d×%d from %d,%d in blocks of %d",
			c.shape(), a.shape(), x.k, x.n, t0, j0, x.block))
	}
	g := &p.tiles
	g.c, g.ldc, g.keep, g.flip = c.F32, c.Stride, accumulate, false
	g.rows, g.r, g.k, g.steps = operandOf(a, false), a.Rows, a.Cols, ceilDiv(a.Cols, tileDepth)
	s := &p.scratch[0]
	s.tiles.sums = grow(s.tiles.sums, ceilDiv(c.Cols, panelSide)*panelSums)
	call := tileCall{bPanel: x.depth * panelBytes, steps: g.steps, c: &s.tiles.sums[0], b: unsafe.Pointer(&x.at(j0, t0/x.block)[0])}
	call.columns(c.Cols)
	g.s0 = 0
	for r := range ceilDiv(g.r, panelSide) {
		g.rowPanel(&call, s, r, 0)
		call.fetch = call.a
		tileProduct(&call)
		g.put(s.tiles.sums, r, r+1, 0, c.Cols)
	}
	g.c, g.rows = nil, operand{}
}
