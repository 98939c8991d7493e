package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

// A blockDot multiplies one vector with 8 rows of blocks, decoded in registers: the
// bits of two sets of 4 rows are transposed as units of 32 bits, so that a lane is a
// row, and every sum runs over k in order.
//
//	R8 to R15: the rows, R0 x, R1 blocks left, R19 room for scales
//	V0 to V7, V8 to V15: bits of the sets; V16 to V19: at hand; V21 and V22, V23 and
//	V24: scale and minimum of each; V25: x; V26 to V29: masks; V30 and V31: sums
type blockDot struct {
	name             string
	bytes            int
	constants, block func(*gen)
}

// Registers of a blockDot.
const (
	hand  = 16
	scale = 21 // of the first set; the second one's is 2 further
	xs    = 25
	masks = 26
	sums  = 30
)

func (d blockDot) write(g *gen) {
	g.fn("dot"+d.name+"NEON", "(x *float32, w *byte, ldw int, y *float32, blocks int, add bool, scales *float32)", 56,
		"x R0", "w R8", "ldw R2")
	g.op("MOVD blocks+32(FP), R1")
	g.op("MOVD scales+48(FP), R19")
	for i := 1; i < 8; i++ {
		g.op("ADD R2, %s, %s", row(i-1), row(i))
	}
	d.constants(g)
	for set := range 2 {
		g.put(a64.Zero(sums + set))
	}
	g.label("loop")
	d.block(g)
	for i := range 8 {
		g.op("ADD $%d, %s", d.bytes, row(i))
	}
	g.op("SUBS $1, R1")
	g.op("BNE loop")
	g.op("MOVD y+24(FP), R4")
	g.op("MOVBU add+40(FP), R5")
	g.op("CBZ R5, put")
	g.op("FLDPQ (R4), (F0, F1)")
	for set := range 2 {
		g.put(a64.FADD(sums+set, set, sums+set))
	}
	g.label("put")
	g.op("FSTPQ (F%d, F%d), (R4)", sums, sums+1)
	g.op("RET")
}

// loadUnits leaves 4 units of a set, from an offset of the block on, in registers r to r+3.
func loadUnits(g *gen, set, r, offset int) {
	for i := range 4 {
		g.put(a64.Load(r+i, offset, row(4*set+i)))
	}
	g.put(transpose(r, hand)...)
}

// loadHalves puts the 16-bit floats at the beginning of the blocks into the scales.
func loadHalves(g *gen) {
	for set := range 2 {
		r := scale + 2*set
		for i := range 4 {
			g.put(a64.LoadHalfLane(r, i, row(4*set+i)))
		}
		g.put(a64.FCVTL(r, r))
	}
}

// unit adds the products of 4 elements of each row, in one unit of both sets, with
// those of x from t on. level makes a float of byte b in register src.
func unit(g *gen, r, t int, minimum bool, level func(b, src, dst int) []string) {
	g.put(a64.Load(xs, 4*t, "R0"))
	for first := 0; first < 4; first += 2 {
		var sequences [][]string
		var products []string
		for i := range 4 {
			b, set, v := first+i/2, i%2, hand+i
			lines := append(level(b, r+8*set, v), a64.FMUL(v, v, scale+2*set))
			if minimum {
				lines = append(lines, a64.FSUB(v, v, scale+2*set+1))
			}
			sequences = append(sequences, lines)
			products = append(products, a64.FMLALane(sums+set, v, xs, b))
		}
		g.mix(sequences...)
		g.put(products...)
	}
}

// byteMasks are those of byte b in register masks+b.
func byteMasks(g *gen, value uint32) {
	for b := range 4 {
		wordConst(g, masks+b, value<<(8*b))
	}
}

// unsigned makes a float of the bits of byte b that masks select.
func unsigned(b, src, dst int) []string {
	return []string{a64.AND(dst, src, masks+b), a64.UCVTF(dst, dst, 8*b)}
}

// offset is unsigned less the float in a register.
func offset(zero int) func(b, src, dst int) []string {
	return func(b, src, dst int) []string {
		return append(unsigned(b, src, dst), a64.FSUB(dst, dst, zero))
	}
}

// signed makes a float of byte b.
func signed(b, src, dst int) (lines []string) {
	if b < 3 {
		lines = append(lines, a64.SHL(dst, src, 24-8*b))
		src = dst
	}
	return append(lines, a64.SSHR(dst, src, 24), a64.SCVTF(dst, dst))
}

// advance moves x on.
func advance(g *gen, elements int) { g.op("ADD $%d, R0", 4*elements) }

func q8Dot(g *gen) {
	loadHalves(g)
	for t := 0; t < 32; t += 16 {
		for set := range 2 {
			loadUnits(g, set, 8*set, 2+t)
		}
		for u := range 4 {
			unit(g, u, t+4*u, false, signed)
		}
	}
	advance(g, 32)
}

// q4Constants: V7 is the level of zero.
func q4Constants(g *gen) {
	byteMasks(g, 15)
	wordConst(g, 7, 0x41000000)
}

func q4Dot(g *gen) {
	loadHalves(g)
	for set := range 2 {
		loadUnits(g, set, 8*set, 2)
	}
	for half := range 2 {
		for u := range 4 {
			if half == 1 {
				nextNibbles(g, u)
			}
			unit(g, u, 16*half+4*u, false, offset(7))
		}
	}
	advance(g, 32)
}

// nextNibbles moves the upper nibbles of a unit of both sets down.
func nextNibbles(g *gen, r int) {
	g.put(a64.USHR(r, r, 4), a64.USHR(r+8, r+8, 4))
}
