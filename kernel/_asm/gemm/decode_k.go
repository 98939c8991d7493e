package main

// groups is a type with 8 groups of 32, each with a 6-bit scale and minimum: where
// its nibbles are in the block, and the fifth bits, or 0.
type groups struct{ nibbles, fifth int }

// constants: Y15 selects nibbles, Y14 the fifth bit; Y13 is 1.
func (t groups) constants(g *gen) {
	ones(g, 15, 4, 0)
	ones(g, 14, 1, 4)
	ones(g, 13, 1, 0)
}

func (t groups) block(g *gen) {
	half(g, 0, 0)
	half(g, 2, 1)
	groupScales(g)
	g.op("VPXOR Y6, Y6, Y6")
	for pair := range 4 {
		for i := range 2 {
			g.op("VPERMPS Y2, Y6, Y%d", 7+2*i)
			g.op("VPERMPS Y3, Y6, Y%d", 8+2*i)
			g.op("VPADDD Y13, Y6, Y6")
		}
		for i := 0; i < 32; i += 8 {
			g.op("VPMOVZXBD %d(SI), Y4", t.nibbles+32*pair+i)
			g.op("VPSRLD $4, Y4, Y5")
			g.op("VPAND Y15, Y4, Y4")
			if t.fifth > 0 {
				g.op("VPMOVZXBD %d(SI), Y11", t.fifth+i)
				for j := range 2 {
					shift(g, 4-2*pair-j, 11, 12)
					g.op("VPAND Y14, Y12, Y12")
					g.op("VPOR Y12, Y%d, Y%d", 4+j, 4+j)
				}
			}
			for j := range 2 {
				g.op("VCVTDQ2PS Y%d, Y%d", 4+j, 4+j)
				g.op("VMULPS Y%d, Y%d, Y%d", 7+2*j, 4+j, 4+j)
				g.op("VSUBPS Y%d, Y%d, Y%d", 8+2*j, 4+j, 4+j)
				g.op("VMOVUPS Y%d, %d(DI)", 4+j, 4*(64*pair+32*j+i))
			}
		}
	}
}

// groupScales multiplies the scales by Y0 into Y2, the minima by Y1 into Y3.
func groupScales(g *gen) {
	const low6, low4, high2 = 0x3f3f3f3f, 0x0f0f0f0f, 0x30303030
	g.op("MOVL 4(SI), AX")
	g.op("MOVL 8(SI), BX")
	g.op("MOVL 12(SI), DX")
	g.op("MOVL DX, R9")
	g.op("SHRL $4, DX")
	for i, r := range []struct{ low, mid string }{{"AX", "R9"}, {"BX", "DX"}} {
		g.op("MOVL %s, R8", r.low)
		g.op("ANDL $%#x, R8", low6)
		g.op("SHRL $2, %s", r.low)
		g.op("ANDL $%#x, %s", high2, r.low)
		g.op("ANDL $%#x, %s", low4, r.mid)
		g.op("ORL %s, %s", r.low, r.mid)
		g.op("SHLQ $32, %s", r.mid)
		g.op("ORQ %s, R8", r.mid)
		g.op("VMOVQ R8, X%d", 2+i)
		g.op("VPMOVZXBD X%d, Y%d", 2+i, 2+i)
		g.op("VCVTDQ2PS Y%d, Y%d", 2+i, 2+i)
		g.op("VMULPS Y%d, Y%d, Y%d", i, 2+i, 2+i)
	}
}

// q6Constants: Y15 selects nibbles, Y14 the two bits above; Y13 is the level of zero,
// Y12 is 2.
func q6Constants(g *gen) {
	ones(g, 15, 4, 0)
	ones(g, 14, 2, 4)
	ones(g, 13, 1, 5)
	ones(g, 12, 1, 1)
}

func q6(g *gen) {
	half(g, 208, 0)
	for h := range 2 {
		g.op("VPMOVSXBD %d(SI), Y1", 192+8*h)
		g.op("VCVTDQ2PS Y1, Y1")
		g.op("VMULPS Y0, Y1, Y1")
		for sub := range 2 {
			q6Scales(g, sub)
			for i := 16 * sub; i < 16*sub+16; i += 8 {
				q6Elements(g, h, i)
			}
		}
	}
}

// q6Scales puts the scales of groups sub, sub+2, … of Y1 into Y8 to Y11.
func q6Scales(g *gen, sub int) {
	if sub == 0 {
		g.op("VPXOR Y2, Y2, Y2")
	} else {
		g.op("VPSRLD $1, Y12, Y2")
	}
	for i := range 4 {
		g.op("VPERMPS Y1, Y2, Y%d", 8+i)
		if i < 3 {
			g.op("VPADDD Y12, Y2, Y2")
		}
	}
}

// q6Elements decodes elements i, i+32, i+64 and i+96 of a half, and the next 7 of each.
func q6Elements(g *gen, half, i int) {
	g.op("VPMOVZXBD %d(SI), Y4", 64*half+i)
	g.op("VPMOVZXBD %d(SI), Y5", 64*half+32+i)
	g.op("VPMOVZXBD %d(SI), Y2", 128+32*half+i)
	g.op("VPSRLD $4, Y4, Y6")
	g.op("VPSRLD $4, Y5, Y7")
	g.op("VPAND Y15, Y4, Y4")
	g.op("VPAND Y15, Y5, Y5")
	for j := range 4 {
		shift(g, 4-2*j, 2, 3)
		g.op("VPAND Y14, Y3, Y3")
		g.op("VPOR Y3, Y%d, Y%d", 4+j, 4+j)
		g.op("VPSUBD Y13, Y%d, Y%d", 4+j, 4+j)
		scaled(g, 4+j, 8+j, 128*half+32*j+i)
	}
}
