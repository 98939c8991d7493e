package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An int8Packer writes the way from 16 rows of quantised blocks to blocks of levels: for
// AVX2, from 8 rows and then from the others. Its lanes are rows.
//
//	SI, R8, R9, R10 rows 0, 4, 8 and 12, DX and BX bytes to the next row and the third, DI dst, CX blocks left
//	R12 to R15 memory to fetch, ahead of the rows; V15 zero, to be taken off the levels
//	Z16 offsets of the rows, Z17 on: constants, which AVX2 takes from memory
type int8Packer struct {
	*gen
	isa       isa
	set       int // of the 8 rows for AVX2
	registers map[string]int
}

// An int8Type is a quantised dtype.
type int8Type struct {
	name   string
	bytes  int  // of a block
	blocks int  // of levels that come of it
	signed bool // its levels have signs
	body   func(*int8Packer)
}

var int8Types = []int8Type{
	{"Q8_0", 34, 1, true, (*int8Packer).bytes8},
	{"Q4_0", 18, 1, false, int8Legacy{}.body},
	{"Q4_1", 20, 1, false, int8Legacy{affine: true}.body},
	{"Q5_0", 22, 1, false, int8Legacy{five: true}.body},
	{"Q5_1", 24, 1, false, int8Legacy{affine: true, five: true}.body},
	{"IQ4_NL", 18, 1, true, int8Legacy{table: true}.body},
	{"Q4_K", 144, 8, false, func(p *int8Packer) { p.groups(16, 0) }},
	{"Q5_K", 176, 8, false, func(p *int8Packer) { p.groups(48, 16) }},
	{"Q6_K", 210, 8, false, (*int8Packer).six},
	{"Q3_K", 110, 8, false, (*int8Packer).three},
	{"Q2_K", 84, 16, false, (*int8Packer).two},
}

func (t int8Type) write(g *gen, s isa) {
	g.fn("int8Pack"+t.name+s.name, "(dst, src *byte, row, blocks, ahead, zero int)", 48)
	for _, l := range []string{"dst+0(FP), DI", "src+8(FP), SI", "row+16(FP), DX", "blocks+24(FP), CX", "ahead+32(FP), AX"} {
		g.op("MOVQ %s", l)
	}
	g.op("LEAQ (SI)(DX*4), R8")
	g.op("LEAQ (SI)(DX*8), R9")
	g.op("LEAQ (R8)(DX*8), R10")
	g.op("LEAQ (DX)(DX*2), BX")
	for i, r := range rows16 {
		g.op("LEAQ (%s)(AX*1), R%d", r, 12+i)
	}
	p := &int8Packer{gen: new(gen), isa: s, registers: map[string]int{}}
	t.body(p) // to see which constants there are
	p.gen = g
	p.load()
	if t.signed {
		p.op("VMOVQ zero+40(FP), X15")
		p.op("VPBROADCASTB X15, @15")
	}
	g.label("loop")
	if t.bytes <= 32 { // of a line of memory, half
		g.op("TESTQ $1, CX")
		g.op("JZ fetched")
	}
	for at := 0; at < t.bytes; at += 64 {
		for i := range 16 {
			g.op("PREFETCHT0 %s", rowOf([]string{"R12", "R13", "R14", "R15"}, i, at))
		}
	}
	if t.bytes <= 32 {
		g.label("fetched")
	}
	for p.set = range 16 / s.lanes {
		t.body(p)
	}
	for i, r := range rows16 {
		g.op("ADDQ $%d, %s", t.bytes, r)
		g.op("ADDQ $%d, R%d", t.bytes, 12+i)
	}
	g.op("ADDQ $%d, DI", t.blocks*blockBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}

// op writes an instruction on registers of the widest kind, which are called @0 to @15.
func (p *int8Packer) op(format string, args ...any) {
	p.gen.op(strings.ReplaceAll(format, "@", p.isa.reg), args...)
}

// wide is the operation on any registers that has no ending for AVX2.
func (p *int8Packer) wide(op string) string {
	if p.isa.lanes == 16 {
		return op + "D"
	}
	return op
}

// constant writes an operation of a register with a constant of 32 bits.
func (p *int8Packer) constant(op, name string, r, t int) {
	if p.isa.lanes == 8 {
		p.op("%s %s<>(SB), @%d, @%d", op, name, r, t)
		return
	}
	if _, ok := p.registers[name]; !ok {
		p.registers[name] = 17 + len(p.registers)
	}
	p.op("%s @%d, @%d, @%d", op, p.registers[name], r, t)
}

// load puts what does not change into registers.
func (p *int8Packer) load() {
	if p.isa.lanes == 8 {
		return
	}
	p.op("VPBROADCASTD DX, @16")
	p.op("VPMULLD lanes16<>(SB), @16, @16")
	for _, name := range slices.Sorted(maps.Keys(p.registers)) {
		p.op("VPBROADCASTD %s<>(SB), @%d", name, p.registers[name])
	}
}

func (p *int8Packer) and(name string, r, t int) { p.constant(p.wide("VPAND"), name, r, t) }

func (p *int8Packer) or(a, b, t int) { p.op("%s @%d, @%d, @%d", p.wide("VPOR"), a, b, t) }

// shift moves the lanes of r left, or right if by is negative, and returns where they are: t or, if there is nothing to do, r.
func (p *int8Packer) shift(by, r, t int) int {
	switch {
	case by > 0:
		p.op("VPSLLD $%d, @%d, @%d", by, r, t)
	case by < 0:
		p.op("VPSRLD $%d, @%d, @%d", -by, r, t)
	default:
		return r
	}
	return t
}

// bits leaves what a constant selects of r, shifted before, in t.
func (p *int8Packer) bits(name string, by, r, t int) { p.and(name, p.shift(by, r, t), t) }

// nibble leaves the lower or upper 4 bits of each byte of r in t.
func (p *int8Packer) nibble(upper, r, t int) { p.bits("nibbles", -4*upper, r, t) }

// rows16 point to every fourth of 16 rows.
var rows16 = []string{"SI", "R8", "R9", "R10"}

// row is the operand at an offset of row i.
func (p *int8Packer) row(i, offset int) string { return rowOf(rows16, i, offset) }

func rowOf(bases []string, i, offset int) string {
	return fmt.Sprintf("%d(%s)%s", offset, bases[i/4], []string{"", "(DX*1)", "(DX*2)", "(BX*1)"}[i%4])
}

// quads leaves 16 bytes of all rows, from an offset of the block on, in registers r to
// r+3, four bytes of row i in lane i, by way of registers t and t+1.
func (p *int8Packer) quads(offset, r, t int) {
	for j := range 4 {
		if p.isa.lanes == 8 {
			p.op("VMOVDQU %s, X%d", p.row(8*p.set+j, offset), r+j)
			p.op("VINSERTI128 $1, %s, Y%d, Y%d", p.row(8*p.set+4+j, offset), r+j, r+j)
			continue
		}
		p.op("VMOVDQU32 %s, X%d", p.row(j, offset), r+j)
		for lane := 1; lane < 4; lane++ {
			p.op("VINSERTI32X4 $%d, %s, Z%d, Z%d", lane, p.row(4*lane+j, offset), r+j, r+j)
		}
	}
	for j := range 2 {
		p.op("VPUNPCKLDQ @%d, @%d, @%d", r+2*j+1, r+2*j, t+j)
		p.op("VPUNPCKHDQ @%d, @%d, @%d", r+2*j+1, r+2*j, r+2*j+1)
	}
	p.op("VPUNPCKLQDQ @%d, @%d, @%d", t+1, t, r)
	p.op("VPUNPCKLQDQ @%d, @%d, @%d", r+3, r+1, r+2)
	p.op("VPUNPCKHQDQ @%d, @%d, @%d", r+3, r+1, r+3)
	p.op("VPUNPCKHQDQ @%d, @%d, @%d", t+1, t, r+1)
}

// gather leaves 32 bits of each row in register r, by way of registers 13 and 14.
func (p *int8Packer) gather(offset, r int) {
	if p.isa.lanes == 16 {
		p.op("KXNORW K1, K1, K1")
		p.op("VPXORD Z%d, Z%d, Z%d", r, r, r)
		p.op("VPGATHERDD %d(SI)(Z16*1), K1, Z%d", offset, r)
		return
	}
	p.op("VMOVD DX, X14")
	p.op("VPBROADCASTD X14, Y14")
	p.op("VPMULLD lanes16<>(SB), Y14, Y14")
	p.op("VPCMPEQD Y13, Y13, Y13")
	p.op("VPGATHERDD Y13, %d(%s)(Y14*1), Y%d", offset, []string{"SI", "R9"}[p.set], r)
}

// halves leaves the two 16-bit floats of each row at an offset in registers r and t.
func (p *int8Packer) halves(offset, r, t int) {
	p.gather(offset, r)
	p.op("VPSRLD $16, @%d, @%d", r, t)
	p.and("lowerHalf", r, r)
	p.widen(r)
	p.widen(t)
}

// half leaves the lower of them in r; upperHalf the upper one.
func (p *int8Packer) half(offset, r int) {
	p.gather(offset, r)
	p.and("lowerHalf", r, r)
	p.widen(r)
}

func (p *int8Packer) upperHalf(offset, r int) {
	p.gather(offset, r)
	p.op("VPSRLD $16, @%d, @%d", r, r)
	p.widen(r)
}

// widen turns 16-bit floats, in 32 bits each, into floats.
func (p *int8Packer) widen(r int) {
	if p.isa.lanes == 16 {
		p.op("VPMOVDW Z%d, Y%d", r, r)
		p.op("VCVTPH2PS Y%d, Z%d", r, r)
		return
	}
	p.op("VPACKUSDW Y%d, Y%d, Y%d", r, r, r)
	p.op("VPERMQ $0xD8, Y%d, Y%d", r, r)
	p.op("VCVTPH2PS X%d, Y%d", r, r)
}

// levels stores four levels of each row.
func (p *int8Packer) levels(block, q, r int) {
	p.op("VMOVUPS @%d, %d(DI)", r, block*blockBytes+64*q+32*p.set)
}

// scale stores the scale of each row, or what is second.
func (p *int8Packer) scale(block, second, r int) {
	p.op("VMOVUPS @%d, %d(DI)", r, block*blockBytes+blockLevels+64*second+32*p.set)
}

// scaled stores integers times the floats in register d.
func (p *int8Packer) scaled(block, second, r, d int) {
	p.op("VCVTDQ2PS @%d, @%d", r, r)
	p.op("VMULPS @%d, @%d, @%d", d, r, r)
	p.scale(block, second, r)
}

// int8Less writes the loop that takes a zero off the levels of blocks.
func int8Less(g *gen) {
	g.fn("int8LessAVX2", "(levels *byte, blocks, zero int)", 24)
	g.op("MOVQ levels+0(FP), DI")
	g.op("MOVQ blocks+8(FP), CX")
	g.op("VMOVQ zero+16(FP), X1")
	g.op("VPBROADCASTB X1, Y1")
	g.label("loop")
	for at := 0; at < blockLevels; at += 32 {
		g.op("VMOVDQU %d(DI), Y0", at)
		g.op("VPSUBB Y1, Y0, Y0")
		g.op("VMOVDQU Y0, %d(DI)", at)
	}
	g.op("ADDQ $%d, DI", blockBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}

// int8Constants writes those of all types.
func int8Constants(g *gen) {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"nibbles", 0x0f0f0f0f}, {"crumbs", 0x03030303}, {"upperCrumbs", 0x30303030}, {"third", 0x04040404}, {"fifth", 0x10101010},
		{"sixBits", 0x3f3f3f3f}, {"lowerHalf", 0xffff}, {"lowerByte", 0xff}, {"lowerNibble", 0xf}, {"thirtyTwo", 32}, {"sign", 1 << 31},
		{"nibbleBits", 0x80402010},
	} {
		g.raw("\n")
		for i := range 8 {
			g.data("DATA %s<>+%d(SB)/4, $%#08x", c.name, 4*i, c.value)
		}
		g.data("GLOBL %s<>(SB), RODATA|NOPTR, $32", c.name)
	}
	g.raw("\n// Integers 0 to 15.\n")
	for i := range 16 {
		g.data("DATA lanes16<>+%d(SB)/4, $%d", 4*i, i)
	}
	g.data("GLOBL lanes16<>(SB), RODATA|NOPTR, $64")
	for b := range 4 {
		g.raw(fmt.Sprintf("\n// Byte %d of each lane.\n", b))
		for i := range 16 {
			g.data("DATA spread%d<>+%d(SB)/4, $%#08x", b, 4*i, 0x01010101*(4*(i%4)+b))
		}
		g.data("GLOBL spread%d<>(SB), RODATA|NOPTR, $64", b)
	}
	g.raw("\n// The values of IQ4_NL.\n")
	g.data("DATA nonlinear<>+0(SB)/8, $0xf6eaddcfbfad9881")
	g.data("DATA nonlinear<>+8(SB)/8, $0x7159453526190d01")
	g.data("GLOBL nonlinear<>(SB), RODATA|NOPTR, $16")
}
