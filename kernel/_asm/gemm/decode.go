package main

// decoders writes, for the common quantised types, the decoding of whole blocks:
// the operations of the Go reference on 8 elements at a time, each rounded alone.
func decoders(g *gen) {
	masks(g)
	decoder(g, "Q8_0", 34, 32, q8Constants, q8)
	for _, l := range []legacy{{"Q4_0", 18, false, false}, {"Q4_1", 20, true, false}, {"Q5_0", 22, false, true}, {"Q5_1", 24, true, true}} {
		decoder(g, l.name, l.bytes, 32, l.constants, l.block)
	}
	decoder(g, "Q4_K", 144, 256, groups{16, 0}.constants, groups{16, 0}.block)
	decoder(g, "Q5_K", 176, 256, groups{48, 16}.constants, groups{48, 16}.block)
	decoder(g, "Q6_K", 210, 256, q6Constants, q6)
	for _, d := range []blockDot{{"Q8_0", 34, q8Dot}, {"Q4_0", 18, q4Dot}, {"Q4_K", 16, q4kDot}, {"Q6_K", 82, q6kDot}} {
		d.write(g)
	}
}

// decoder writes the loop over blocks.
//
//	SI src, DI dst, CX blocks left
func decoder(g *gen, name string, bytes, elements int, constants, block func(*gen)) {
	g.fn("decode"+name+"AVX2", "(dst *float32, src *byte, blocks int)", 24)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ src+8(FP), SI")
	g.op("MOVQ blocks+16(FP), CX")
	constants(g)
	g.label("loop")
	block(g)
	g.op("ADDQ $%d, SI", bytes)
	g.op("ADDQ $%d, DI", 4*elements)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}

// ones sets every lane of r to 2^bits - 1, shifted left.
func ones(g *gen, r, bits, shift int) {
	g.op("VPCMPEQD Y%d, Y%d, Y%d", r, r, r)
	g.op("VPSRLD $%d, Y%d, Y%d", 32-bits, r, r)
	if shift > 0 {
		g.op("VPSLLD $%d, Y%d, Y%d", shift, r, r)
	}
}

// half sets every lane of r to the 16-bit float at an offset of the block.
func half(g *gen, offset, r int) {
	g.op("VPBROADCASTW %d(SI), X%d", offset, r)
	g.op("VCVTPH2PS X%d, Y%d", r, r)
}

// shift moves src left, or right when by is negative.
func shift(g *gen, by, src, dst int) {
	switch {
	case by > 0:
		g.op("VPSLLD $%d, Y%d, Y%d", by, src, dst)
	case by < 0:
		g.op("VPSRLD $%d, Y%d, Y%d", -by, src, dst)
	case src != dst:
		g.op("VMOVDQA Y%d, Y%d", src, dst)
	}
}

// scaled stores register scale times the integers in r, as elements from at on.
func scaled(g *gen, r, scale, at int) {
	g.op("VCVTDQ2PS Y%d, Y%d", r, r)
	g.op("VMULPS Y%d, Y%d, Y%d", scale, r, r)
	g.op("VMOVUPS Y%d, %d(DI)", r, 4*at)
}

func q8Constants(*gen) {}

func q8(g *gen) {
	half(g, 0, 0)
	for i := 0; i < 32; i += 8 {
		g.op("VPMOVSXBD %d(SI), Y%d", 2+i, 1+i/8)
		scaled(g, 1+i/8, 0, i)
	}
}

// legacy is a type with blocks of 32 nibbles, a scale, perhaps a minimum, and
// perhaps a fifth bit of each.
type legacy struct {
	name         string
	bytes        int
	affine, five bool
}

// constants: Y15 selects nibbles, Y14 the fifth bit; Y13 is the level of zero; Y8 to
// Y11 are the numbers of the elements.
func (l legacy) constants(g *gen) {
	ones(g, 15, 4, 0)
	ones(g, 14, 1, 4)
	if !l.affine && l.five {
		ones(g, 13, 1, 4)
	} else if !l.affine {
		ones(g, 13, 1, 3)
	}
	if !l.five {
		return
	}
	g.op("MOVQ $0x0706050403020100, AX")
	g.op("VMOVQ AX, X8")
	g.op("VPMOVZXBD X8, Y8")
	ones(g, 12, 1, 3)
	for r := 9; r < 12; r++ {
		g.op("VPADDD Y12, Y%d, Y%d", r-1, r)
	}
}

func (l legacy) block(g *gen) {
	half(g, 0, 0)
	at := 2
	if l.affine {
		half(g, 2, 1)
		at = 4
	}
	if l.five {
		g.op("VPBROADCASTD %d(SI), Y2", at)
		at += 4
	}
	for i := 0; i < 16; i += 8 {
		g.op("VPMOVZXBD %d(SI), Y4", at+i)
		g.op("VPSRLD $4, Y4, Y5")
		g.op("VPAND Y15, Y4, Y4")
		l.finish(g, 4, i)
		l.finish(g, 5, i+16)
	}
}

// finish stores the elements from at on, whose nibbles are in register r.
func (l legacy) finish(g *gen, r, at int) {
	if l.five {
		g.op("VPSRLVD Y%d, Y2, Y6", 8+at/8)
		g.op("VPSLLD $4, Y6, Y6")
		g.op("VPAND Y14, Y6, Y6")
		g.op("VPOR Y6, Y%d, Y%d", r, r)
	}
	if !l.affine {
		g.op("VPSUBD Y13, Y%d, Y%d", r, r)
		scaled(g, r, 0, at)
		return
	}
	g.op("VCVTDQ2PS Y%d, Y%d", r, r)
	g.op("VMULPS Y0, Y%d, Y%d", r, r)
	g.op("VADDPS Y1, Y%d, Y%d", r, r)
	g.op("VMOVUPS Y%d, %d(DI)", r, 4*at)
}
