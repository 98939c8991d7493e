package main

import "fmt"

// An int8Type writes the way from 16 rows of quantised blocks to blocks of levels.
//
//	SI, R8, R9, R10 rows 0, 4, 8 and 12, DX and BX bytes to the next row and the third, DI dst, CX blocks left
//	R11 how far ahead to fetch; Z25 zero, to be taken off the levels; Z26 offsets of the rows; Z27 to Z30: masks
type int8Type struct {
	name   string
	bytes  int // of a block
	blocks int // of 32 elements in it
	body   func(*gen)
}

var int8Types = []int8Type{
	{"Q8_0", 34, 1, int8Q8},
	{"Q4_0", 18, 1, int8Q4},
	{"Q4_K", 144, 8, func(g *gen) { int8Groups(g, 16, 0) }},
	{"Q5_K", 176, 8, func(g *gen) { int8Groups(g, 48, 16) }},
	{"Q6_K", 210, 8, int8Q6},
}

func (t int8Type) write(g *gen) {
	g.fn("int8Pack"+t.name+"AVX512", "(dst, src *byte, row, blocks, ahead, zero int)", 48)
	for _, l := range []string{"dst+0(FP), DI", "src+8(FP), SI", "row+16(FP), DX", "blocks+24(FP), CX", "ahead+32(FP), R11"} {
		g.op("MOVQ %s", l)
	}
	g.op("LEAQ (SI)(DX*4), R8")
	g.op("LEAQ (SI)(DX*8), R9")
	g.op("LEAQ (R8)(DX*8), R10")
	g.op("LEAQ (DX)(DX*2), BX")
	g.op("VPBROADCASTD DX, Z26")
	g.op("VPMULLD lanes16<>(SB), Z26, Z26")
	g.op("MOVQ zero+40(FP), AX")
	g.op("VPBROADCASTB AX, Z25")
	for i, v := range []uint32{0x0f0f0f0f, 0x10101010, 0x30303030, 0x0000ffff} {
		g.op("MOVL $%#08x, AX", v)
		g.op("VPBROADCASTD AX, Z%d", 27+i)
	}
	g.label("loop")
	for at := 0; at < t.bytes; at += 64 {
		for i := range 16 {
			g.op("LEAQ %s, AX", int8WeightRow(i, at))
			g.op("PREFETCHT0 (AX)(R11*1)")
		}
	}
	t.body(g)
	for _, r := range []string{"SI", "R8", "R9", "R10"} {
		g.op("ADDQ $%d, %s", t.bytes, r)
	}
	g.op("ADDQ $%d, DI", t.blocks*blockBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}

// int8WeightRow is the operand at an offset of row i.
func int8WeightRow(i, offset int) string {
	return fmt.Sprintf("%d(%s)%s", offset, []string{"SI", "R8", "R9", "R10"}[i/4], []string{"", "(DX*1)", "(DX*2)", "(BX*1)"}[i%4])
}

// quads leaves 16 bytes of all rows, from an offset of the block on, in registers r to
// r+3, four bytes of row i in lane i, by way of registers t to t+3.
func quads(g *gen, offset, r, t int) {
	for j := range 4 {
		g.op("VMOVDQU32 %s, X%d", int8WeightRow(j, offset), r+j)
		for lane := 1; lane < 4; lane++ {
			g.op("VINSERTI32X4 $%d, %s, Z%d, Z%d", lane, int8WeightRow(4*lane+j, offset), r+j, r+j)
		}
	}
	for j := 0; j < 4; j += 2 {
		g.op("VPUNPCKLDQ Z%d, Z%d, Z%d", r+j+1, r+j, t+j)
		g.op("VPUNPCKHDQ Z%d, Z%d, Z%d", r+j+1, r+j, t+j+1)
	}
	for j := range 2 {
		g.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", t+j+2, t+j, r+2*j)
		g.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", t+j+2, t+j, r+2*j+1)
	}
}

// gatherWords leaves the 16-bit floats of all rows at an offset in Z0; if upper, the
// upper halves of the 32 bits there.
func gatherWords(g *gen, offset int, upper bool) {
	gatherBits(g, offset, 0)
	if upper {
		g.op("VPSRLD $16, Z0, Z0")
	} else {
		g.op("VPANDD Z30, Z0, Z0")
	}
	g.op("VPMOVDW Z0, Y0")
	g.op("VCVTPH2PS Y0, Z0")
}

// gatherBits leaves 32 bits of each row in register r.
func gatherBits(g *gen, offset, r int) {
	g.op("MOVL $0xffff, AX")
	g.op("KMOVW AX, K1")
	g.op("VPXORD Z%d, Z%d, Z%d", r, r, r)
	g.op("VPGATHERDD %d(SI)(Z26*1), K1, Z%d", offset, r)
}

func putLevels(g *gen, block, q, r int) {
	g.op("VMOVDQU32 Z%d, %d(DI)", r, block*blockBytes+64*q)
}

// putSigned is putLevels for levels less zero.
func putSigned(g *gen, block, q, r int) {
	g.op("VPSUBB Z25, Z%d, Z%d", r, r)
	putLevels(g, block, q, r)
}

func int8Q8(g *gen) {
	gatherWords(g, 0, false)
	g.op("VMOVUPS Z0, %d(DI)", blockLevels)
	for half := range 2 {
		quads(g, 2+16*half, 1, 5)
		for q := range 4 {
			putSigned(g, 0, 4*half+q, 1+q)
		}
	}
}

func int8Q4(g *gen) {
	gatherWords(g, 0, false)
	g.op("VMOVUPS Z0, %d(DI)", blockLevels)
	quads(g, 2, 1, 5)
	for q := range 4 {
		nibble(g, 0, 1+q, 9)
		putSigned(g, 0, q, 9)
		nibble(g, 1, 1+q, 10)
		putSigned(g, 0, 4+q, 10)
	}
}

// nibble leaves the lower or upper 4 bits of each byte of r in t.
func nibble(g *gen, upper, r, t int) {
	if upper == 0 {
		g.op("VPANDD Z27, Z%d, Z%d", r, t)
		return
	}
	g.op("VPSRLD $4, Z%d, Z%d", r, t)
	g.op("VPANDD Z27, Z%d, Z%d", t, t)
}

// int8Groups: 8 blocks with a scale and a minimum each; where the nibbles are, and the fifth bits, or 0.
func int8Groups(g *gen, nibbles, fifth int) {
	int8GroupScales(g)
	for half := range 2 {
		if fifth > 0 {
			quads(g, fifth+16*half, 13, 5)
		}
		for pair := range 4 {
			quads(g, nibbles+32*pair+16*half, 1, 5)
			for q := range 4 {
				for upper := range 2 {
					nibble(g, upper, 1+q, 9)
					if fifth > 0 {
						shiftBit(g, 2*pair+upper, 13+q, 10)
						g.op("VPORD Z10, Z9, Z9")
					}
					putLevels(g, 2*pair+upper, 4*half+q, 9)
				}
			}
		}
	}
}

// shiftBit moves a bit of each byte of r to the fifth of t.
func shiftBit(g *gen, bit, r, t int) {
	switch {
	case bit < 4:
		g.op("VPSLLD $%d, Z%d, Z%d", 4-bit, r, t)
		r = t
	case bit > 4:
		g.op("VPSRLD $%d, Z%d, Z%d", bit-4, r, t)
		r = t
	}
	g.op("VPANDD Z28, Z%d, Z%d", r, t)
}

// int8GroupScales puts the scales and minima of 8 groups where they belong, from 12
// bytes of 6 bits each; see groupScale.
func int8GroupScales(g *gen) {
	gatherWords(g, 0, false)
	g.op("VMOVAPS Z0, Z11")
	gatherWords(g, 0, true)
	g.op("VMOVAPS Z0, Z12")
	for i := range 3 {
		gatherBits(g, 4+4*i, 1+i)
	}
	g.op("MOVL $0x3f3f3f3f, AX")
	g.op("VPBROADCASTD AX, Z10")
	for i := range 2 { // scales, then minima: the first four groups in Z4+i, the others in Z6+i
		g.op("VPANDD Z10, Z%d, Z%d", 1+i, 4+i)
		g.op("VPSRLD $2, Z%d, Z8", 1+i)
		g.op("VPANDD Z29, Z8, Z8")
		nibble(g, i, 3, 9)
		g.op("VPORD Z8, Z9, Z%d", 6+i)
	}
	g.op("MOVL $0xff, AX")
	g.op("VPBROADCASTD AX, Z10")
	for group := range 8 {
		for i := range 2 {
			r := 4 + i + group/4*2
			if shift := 8 * (group % 4); shift > 0 {
				g.op("VPSRLD $%d, Z%d, Z8", shift, r)
				r = 8
			}
			g.op("VPANDD Z10, Z%d, Z8", r)
			g.op("VCVTDQ2PS Z8, Z8")
			g.op("VMULPS Z%d, Z8, Z8", 11+i)
			g.op("VMOVUPS Z8, %d(DI)", group*blockBytes+blockLevels+64*i)
		}
	}
}

// int8Q6: 16 groups of 16 with a scale each; 6 bits of an element come from two places.
func int8Q6(g *gen) {
	gatherWords(g, 206, true)
	quads(g, 192, 1, 5)
	for group := range 16 {
		r := 1 + group/4
		if shift := 24 - 8*(group%4); shift > 0 {
			g.op("VPSLLD $%d, Z%d, Z8", shift, r)
			r = 8
		}
		g.op("VPSRAD $24, Z%d, Z8", r)
		g.op("VCVTDQ2PS Z8, Z8")
		g.op("VMULPS Z0, Z8, Z8")
		g.op("VMOVUPS Z8, %d(DI)", group/2*blockBytes+blockLevels+64*(group%2))
	}
	for half := range 2 {
		for part := range 2 {
			quads(g, 64*half+16*part, 1, 13)
			quads(g, 64*half+32+16*part, 5, 13)
			quads(g, 128+32*half+16*part, 9, 13)
			for q := range 4 {
				for j := range 4 {
					nibble(g, j/2, 1+4*(j%2)+q, 13)
					bits := 9 + q
					if j != 2 {
						bits = 14
						if j < 2 {
							g.op("VPSLLD $%d, Z%d, Z14", 4-2*j, 9+q)
						} else {
							g.op("VPSRLD $2, Z%d, Z14", 9+q)
						}
					}
					g.op("VPANDD Z29, Z%d, Z14", bits)
					g.op("VPORD Z14, Z13, Z13")
					putSigned(g, 4*half+j, 4*part+q, 13)
				}
			}
		}
	}
}

// laneTable writes the numbers 0 to 15.
func laneTable(g *gen) {
	g.raw("\n// Integers 0 to 15.\n")
	for i := range 16 {
		g.data("DATA lanes16<>+%d(SB)/4, $%d", 4*i, i)
	}
	g.data("GLOBL lanes16<>(SB), RODATA|NOPTR, $64")
}
