package kernel

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
	block int // of k
}

// PackNT packs b [n, k] for products c = a·bᵀ.
func (x *Packed) PackNT(b Mat) { x.pack(operandOf(b, false), b.Rows, b.Cols, b.Cols) }

// PackNN packs b [k, n] for products c = a·b, each of which takes a block of k.
func (x *Packed) PackNN(b Mat, block int) { x.pack(operandOf(b, true), b.Cols, b.Rows, block) }

func (x *Packed) pack(from operand, n, k, block int) {
	x.n, x.k, x.block = n, k, block
	x.grow(n, ceilDiv(k, tileDepth), ceilDiv(block, tileDepth))
	for t := 0; t < k; t += block {
		packColumns(&x.tileColumns, t/block, 0, &from, 0, n, t, min(block, k-t))
	}
}
