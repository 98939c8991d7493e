package main

import "fmt"

// A blockDot multiplies one vector with 16 rows of blocks, decoded in registers: the
// bits of 8 rows are transposed while they are packed, so that a lane is a row, and
// every sum runs over k in order. The two sets of 8 rows hide each other's latency.
//
//	SI and R9 to R15: the first 8 rows, DX bytes from there to the others
//	AX x, CX blocks left, BX room for scales
//	Y0 to Y3, Y4 to Y7: bits of the sets; Y14, Y15: their sums; Y12, Y13: scales
type blockDot struct {
	name  string
	step  int // bytes from where block leaves the rows to the next block
	block func(*gen)
}

func (d blockDot) write(g *gen) {
	g.fn("dot"+d.name+"AVX2", "(x *float32, w *byte, ldw int, y *float32, blocks int, add bool, scales *float32)", 56)
	g.op("MOVQ x+0(FP), AX")
	g.op("MOVQ w+8(FP), SI")
	g.op("MOVQ ldw+16(FP), DX")
	g.op("MOVQ blocks+32(FP), CX")
	g.op("MOVQ scales+48(FP), BX")
	for i := 1; i < 8; i++ {
		g.op("LEAQ (%s)(DX*1), %s", rows8[i-1], rows8[i])
	}
	g.op("SHLQ $3, DX")
	g.op("VXORPS Y14, Y14, Y14")
	g.op("VXORPS Y15, Y15, Y15")
	g.label("loop")
	d.block(g)
	for _, r := range rows8 {
		g.op("ADDQ $%d, %s", d.step, r)
	}
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.op("MOVQ y+24(FP), DI")
	g.op("CMPB add+40(FP), $0")
	g.op("JEQ put")
	g.op("VADDPS (DI), Y14, Y14")
	g.op("VADDPS 32(DI), Y15, Y15")
	g.label("put")
	g.op("VMOVUPS Y14, (DI)")
	g.op("VMOVUPS Y15, 32(DI)")
	g.ret()
}

// inRow is the operand at an offset of row i of a set.
func inRow(set, i, offset int) string {
	if set == 0 {
		return fmt.Sprintf("%d(%s)", offset, rows8[i])
	}
	return fmt.Sprintf("%d(%s)(DX*1)", offset, rows8[i])
}

// loadBits leaves 4 units of 32 bits of a set, from an offset of the block on, in
// registers r to r+3 and changes the next 4.
func loadBits(g *gen, set, r, offset int) {
	for i := range 4 {
		g.op("VMOVDQU %s, X%d", inRow(set, i, offset), r+i)
		g.op("VINSERTI128 $1, %s, Y%d, Y%d", inRow(set, i+4, offset), r+i, r+i)
	}
	shuffle(g, r)
}

// loadHalves puts the 16-bit floats at an offset of a set's blocks into register r.
func loadHalves(g *gen, set, r, offset int) {
	for i := range 8 {
		g.op("VPINSRW $%d, %s, X%d, X%d", i, inRow(set, i, offset), r, r)
	}
	g.op("VCVTPH2PS X%d, Y%d", r, r)
}

// extract sets every lane of dst to the integer in bits [at, at+width) of src.
func extract(g *gen, signed bool, width, at, src, dst int) {
	if up := 32 - width - at; up > 0 {
		g.op("VPSLLD $%d, Y%d, Y%d", up, src, dst)
		src = dst
	}
	right := "VPSRLD"
	if signed {
		right = "VPSRAD"
	}
	g.op("%s $%d, Y%d, Y%d", right, 32-width, src, dst)
}

// multiply adds the products of element t of x and the level in bits [at, at+width) of
// unit u of both sets, times their scales.
func multiply(g *gen, signed bool, width, at, u, t int, scale func(set, r int)) {
	g.op("VBROADCASTSS %d(AX), Y10", 4*t)
	for set := range 2 {
		r := 8 + set
		extract(g, signed, width, at, 4*set+u, r)
		g.op("VCVTDQ2PS Y%d, Y%d", r, r)
		scale(set, r)
		g.op("VFMADD231PS Y%d, Y10, Y%d", r, 14+set)
	}
}

// byRegister multiplies by the scale of the block.
func byRegister(g *gen) func(set, r int) {
	return func(set, r int) { g.op("VMULPS Y%d, Y%d, Y%d", 12+set, r, r) }
}

func q8Dot(g *gen) {
	for set := range 2 {
		loadHalves(g, set, 12+set, 0)
	}
	for t := 0; t < 32; t += 16 {
		for set := range 2 {
			loadBits(g, set, 4*set, 2+t)
		}
		for i := range 16 {
			multiply(g, true, 8, i%4*8, i/4, t+i, byRegister(g))
		}
	}
	g.op("ADDQ $%d, AX", 4*32)
}

// q4Dot turns the upper bit of each nibble, which makes it level - 8 as a signed number.
func q4Dot(g *gen) {
	for set := range 2 {
		loadHalves(g, set, 12+set, 0)
	}
	for set := range 2 {
		loadBits(g, set, 4*set, 2)
	}
	for r := range 8 {
		g.op("VPXOR nibbleSigns<>(SB), Y%d, Y%d", r, r)
	}
	for t := range 32 {
		multiply(g, true, 4, t%4*8+t/16*4, t%16/4, t, byRegister(g))
	}
	g.op("ADDQ $%d, AX", 4*32)
}

// masks writes constants of 32 equal bytes, and a count.
func masks(g *gen) {
	for _, m := range []struct {
		name  string
		value int
	}{{"nibbleSigns", 0x88}, {"nibbles", 0x0f}, {"crumbs", 0x30}, {"middle", 0x20}} {
		g.raw("\n")
		for i := 0; i < 32; i += 8 {
			g.data("DATA %s<>+%d(SB)/8, $0x%016x", m.name, i, 0x0101010101010101*uint64(m.value))
		}
		g.data("GLOBL %s<>(SB), RODATA|NOPTR, $32", m.name)
	}
	g.raw("\n")
	g.data("DATA nibbleShift<>+0(SB)/8, $4")
	g.data("DATA nibbleShift<>+8(SB)/8, $0")
	g.data("GLOBL nibbleShift<>(SB), RODATA|NOPTR, $16")
}
