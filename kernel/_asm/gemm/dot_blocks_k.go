package main

// byGroup multiplies by a scale of those stored, vector number 2·n+set.
func byGroup(g *gen, n int) func(set, r int) {
	return func(set, r int) { g.op("VMULPS %d(BX), Y%d, Y%d", 32*(2*n+set), r, r) }
}

// q4kDot goes through pairs of groups, which share bytes: R8 are left.
func q4kDot(g *gen) {
	const minima = 8
	for set := range 2 {
		q4kScales(g, set)
	}
	g.op("MOVQ $4, R8")
	g.label("pairs")
	for group := range 2 {
		for half := range 2 {
			for set := range 2 {
				loadBits(g, set, 4*set, 16+16*half)
			}
			for i := range 16 {
				multiply(g, false, 4, i%4*8+group*4, i/4, 32*group+16*half+i, func(set, r int) {
					byGroup(g, group)(set, r)
					g.op("VSUBPS %d(BX), Y%d, Y%d", 32*(2*(minima+group)+set), r, r)
				})
			}
		}
	}
	g.next(32, 64, 2)
	g.op("DECQ R8")
	g.op("JNZ pairs")
	g.op("SUBQ $%d, BX", 64*8)
}

// next moves on by bytes of the rows, elements of x, and groups of scales.
func (g *gen) next(bytes, elements, groups int) {
	if bytes > 0 {
		for _, r := range rows8 {
			g.op("ADDQ $%d, %s", bytes, r)
		}
	}
	if elements > 0 {
		g.op("ADDQ $%d, AX", 4*elements)
		g.op("ADDQ $%d, BX", 64*groups)
	}
}

// q4kScales stores the scales of a set's 8 groups, and then the minima. Its units are
// the scale and minimum of the block, and three of packed 6-bit numbers.
func q4kScales(g *gen, set int) {
	const block, scales, minima, both = 0, 1, 2, 3
	loadBits(g, set, 0, 0)
	for i, packed := range []int{scales, minima} {
		// The halves of the block, as floats in Y6.
		extract(g, false, 16, 16*i, block, 6)
		g.op("VPACKUSDW Y6, Y6, Y6")
		g.op("VPERMQ $0xD8, Y6, Y6")
		g.op("VCVTPH2PS X6, Y6")
		for group := range 8 {
			if group < 4 {
				extract(g, false, 6, 8*group, packed, 4)
			} else {
				extract(g, false, 4, 8*(group-4)+4*i, both, 4)
				extract(g, false, 2, 8*(group-4)+6, packed, 5)
				g.op("VPSLLD $4, Y5, Y5")
				g.op("VPOR Y5, Y4, Y4")
			}
			g.op("VCVTDQ2PS Y4, Y4")
			g.op("VMULPS Y6, Y4, Y4")
			g.op("VMOVUPS Y4, %d(BX)", 32*(2*(8*i+group)+set))
		}
	}
}

// q6kDot goes through quarters of 64 elements: the lower nibbles of 64 bytes, then the
// upper ones, shifted by Y13; the same again. What is above the nibbles takes 32 bytes
// for two quarters, at R8 from the rows of the first set, and at DI.
func q6kDot(g *gen) {
	for set := range 2 {
		loadHalves(g, set, 12, 208)
		loadBits(g, set, 0, 192)
		for group := range 16 {
			extract(g, true, 8, group%4*8, group/4, 4)
			g.op("VCVTDQ2PS Y4, Y4")
			g.op("VMULPS Y12, Y4, Y4")
			g.op("VMOVUPS Y4, %d(BX)", 32*(2*group+set))
		}
	}
	g.op("VPXOR Y13, Y13, Y13")
	g.op("XORL R8, R8")
	g.label("quarters")
	g.op("LEAQ (DX)(R8*1), DI")
	for group := range 4 {
		for set := range 2 {
			q6kBits(g, set, group)
		}
		for i := range 16 {
			multiply(g, true, 8, i%4*8, i/4, 16*group+i, byGroup(g, group))
		}
	}
	g.next(0, 64, 4)
	g.op("VPXOR nibbleShift<>(SB), X13, X13")
	g.op("VMOVQ X13, DI")
	g.op("TESTQ DI, DI")
	g.op("JNE quarters")
	g.next(64, 0, 0)
	g.op("SUBQ $32, R8")
	g.op("CMPQ R8, $-64")
	g.op("JNE quarters")
	g.op("SUBQ $%d, BX", 64*16)
}

// q6kBits is loadBits of the 16 levels of a group, as signed bytes.
func q6kBits(g *gen, set, group int) {
	low, high := 16*group, 128+group%2*16
	index := []string{"R8", "DI"}[set]
	r := 4 * set
	for i := range 4 {
		g.op("VMOVDQU %s, X%d", inRow(set, i, low), r+i)
		g.op("VINSERTI128 $1, %s, Y%d, Y%d", inRow(set, i+4, low), r+i, r+i)
		g.op("VMOVDQU %d(%s)(%s*1), X%d", high, rows8[i], index, r+i+4)
		g.op("VINSERTI128 $1, %d(%s)(%s*1), Y%d, Y%d", high, rows8[i+4], index, r+i+4, r+i+4)
		g.op("VPSRLD X13, Y%d, Y%d", r+i, r+i)
		g.op("VPSRLD X13, Y%d, Y%d", r+i+4, r+i+4)
		shift(g, 4-group/2*2, r+i+4, r+i+4)
		g.op("VPAND nibbles<>(SB), Y%d, Y%d", r+i, r+i)
		g.op("VPAND crumbs<>(SB), Y%d, Y%d", r+i+4, r+i+4)
		g.op("VPOR Y%d, Y%d, Y%d", r+i+4, r+i, r+i)
		g.op("VPSUBB middle<>(SB), Y%d, Y%d", r+i, r+i)
	}
	shuffle(g, r)
}
