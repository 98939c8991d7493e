package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

// decoders writes, for the common quantised types, the decoding of whole blocks:
// the operations of the Go reference on 16 elements at a time, each rounded alone.
func decoders(g *gen) {
	decoder(g, "Q8_0", 34, 32, func(*gen) {}, q8)
	for _, l := range []legacy{{"Q4_0", 18, false, false}, {"Q4_1", 20, true, false}, {"Q5_0", 22, false, true}, {"Q5_1", 24, true, true}} {
		decoder(g, l.name, l.bytes, 32, l.constants, l.block)
	}
	decoder(g, "Q4_K", 144, 256, groups{16, 0}.constants, groups{16, 0}.block)
	decoder(g, "Q5_K", 176, 256, groups{48, 16}.constants, groups{48, 16}.block)
	decoder(g, "Q6_K", 210, 256, q6Constants, q6)
	for _, d := range []blockDot{
		{"Q8_0", 34, func(*gen) {}, q8Dot}, {"Q4_0", 18, q4Constants, q4Dot},
		{"Q4_K", 144, func(g *gen) { byteMasks(g, 15) }, q4kDot}, {"Q6_K", 210, func(g *gen) { byteMasks(g, 63) }, q6kDot},
	} {
		d.write(g)
	}
}

// decoder writes the loop over blocks.
//
//	R0 dst, R1 src, R2 blocks left, R3 and the next: at hand
func decoder(g *gen, name string, bytes, elements int, constants, block func(*gen)) {
	g.fn("decode"+name+"NEON", "(dst *float32, src *byte, blocks int)", 24, "dst R0", "src R1", "blocks R2")
	constants(g)
	g.label("loop")
	block(g)
	g.op("ADD $%d, R1", bytes)
	g.op("ADD $%d, R0", 4*elements)
	g.op("SUBS $1, R2")
	g.op("BNE loop")
	g.op("RET")
}

// byteConst sets every byte of r.
func byteConst(g *gen, r, value int) {
	g.op("MOVD $%d, R3", value)
	g.put(a64.DupB(r, "R3"))
}

// wordConst sets every lane of r.
func wordConst(g *gen, r int, value uint32) {
	g.op("MOVD $%#x, R3", value)
	g.put(a64.DupR(r, "R3"))
}

// halfAt sets every lane of r to the 16-bit float at an offset of the block.
func halfAt(g *gen, block string, offset, r int) {
	g.op("MOVHU %d(%s), R3", offset, block)
	g.put(a64.DupR(r, "R3"), a64.UZP1("H8", r, r, r), a64.FCVTL(r, r))
}

// The registers of 16 elements, as spread leaves them.
const spreadTo = 20

// spread turns 16 signed bytes into floats, in 4 registers from spreadTo on.
func spread(g *gen, r int) {
	lo, hi := spreadTo+1, spreadTo+3
	g.put(a64.SXTL(lo, r), a64.SXTL2(hi, r))
	g.put(a64.SXTLH(lo-1, lo), a64.SXTLH2(lo, lo), a64.SXTLH(hi-1, hi), a64.SXTLH2(hi, hi))
	for i := range 4 {
		g.put(a64.SCVTF(spreadTo+i, spreadTo+i))
	}
}

// each applies an instruction to the 16 elements.
func each(g *gen, f func(r int) string) {
	for i := range 4 {
		g.put(f(spreadTo + i))
	}
}

// store writes the 16 elements from number at on.
func store(g *gen, at int) {
	for i := 0; i < 4; i += 2 {
		g.op("FSTPQ (F%d, F%d), %d(R0)", spreadTo+i, spreadTo+i+1, 4*at+16*i)
	}
}

func q8(g *gen) {
	halfAt(g, "R1", 0, 0)
	for i := 0; i < 32; i += 16 {
		g.put(a64.Load(1, 2+i, "R1"))
		spread(g, 1)
		each(g, func(r int) string { return a64.FMUL(r, r, 0) })
		store(g, i)
	}
}

// legacy is a type with blocks of 32 nibbles, a scale, perhaps a minimum, and
// perhaps a fifth bit of each.
type legacy struct {
	name         string
	bytes        int
	affine, five bool
}

// constants: V31 selects nibbles, V30 the fifth bit; V29 is the level of zero; V28 has
// a bit of eight for each byte, V26 and V27 say which byte of the fifth bits it is in.
func (l legacy) constants(g *gen) {
	byteConst(g, 31, 15)
	if !l.affine && l.five {
		byteConst(g, 29, 16)
	} else if !l.affine {
		byteConst(g, 29, 8)
	}
	if !l.five {
		return
	}
	byteConst(g, 30, 16)
	for i, v := range []uint64{0x8040201008040201, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303} {
		g.op("MOVD $%#x, R%d", v, 4+i)
	}
	for i, v := range [][2]string{{"R4", "R4"}, {"ZR", "R5"}, {"R6", "R7"}} {
		r := []int{28, 26, 27}[i]
		g.op("VMOV %s, V%d.D[0]", v[0], r)
		g.op("VMOV %s, V%d.D[1]", v[1], r)
	}
}

func (l legacy) block(g *gen) {
	halfAt(g, "R1", 0, 0)
	at := 2
	if l.affine {
		halfAt(g, "R1", 2, 1)
		at = 4
	}
	if l.five {
		g.op("MOVWU %d(R1), R3", at)
		g.put(a64.DupR(2, "R3"))
		at += 4
	}
	g.put(a64.Load(3, at, "R1"), a64.USHRB(4, 3, 4), a64.AND(3, 3, 31))
	for half := range 2 {
		l.finish(g, half)
	}
}

// finish stores one half, whose nibbles are in register 3 or 4.
func (l legacy) finish(g *gen, half int) {
	r := 3 + half
	if l.five {
		g.put(a64.TBL(5, 2, 26+half), a64.CMTST(5, 5, 28), a64.AND(5, 5, 30), a64.ORR(r, r, 5))
	}
	if !l.affine {
		g.put(a64.SUBB(r, r, 29))
	}
	spread(g, r)
	each(g, func(r int) string { return a64.FMUL(r, r, 0) })
	if l.affine {
		each(g, func(r int) string { return a64.FADD(r, r, 1) })
	}
	store(g, 16*half)
}
