package main

// tileAlong writes the copy of up to 16 vectors that lie along k: tiles of 32 elements
// of every vector as bfloat16, one row of 64 bytes for each. The last tile is filled up
// with zeros.
//
//	DI dst, R8 bytes between tiles, SI src, R9 bytes between vectors, R10 vectors left
//	AX and BX run along k, CX counts tiles; R11 elements of the last one, K1 and K2 its halves
func tileAlong(g *gen, dtype string) {
	g.fn("tileAlong"+dtype+"AMX", "(dst *byte, dstStep int, src unsafe.Pointer, lds, count, k int)", 48)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ dstStep+8(FP), R8")
	g.op("MOVQ src+16(FP), SI")
	g.op("MOVQ lds+24(FP), R9")
	g.op("MOVQ count+32(FP), R10")
	g.op("MOVQ k+40(FP), DX")
	g.op("MOVQ DX, R11")
	g.op("ANDQ $31, R11")
	g.op("SHRQ $5, DX")
	firstLanes(g, "R11", 1, 2)
	g.label("vector")
	g.op("MOVQ SI, AX")
	g.op("MOVQ DI, BX")
	g.op("MOVQ DX, CX")
	g.op("TESTQ CX, CX")
	g.op("JZ rest")
	g.label("step")
	switch dtype {
	case "F32":
		g.op("VMOVUPS (AX), Z0")
		g.op("VMOVUPS 64(AX), Z1")
		g.brains(1, 0, 0)
		g.op("ADDQ $128, AX")
	case "F16":
		g.op("VCVTPH2PS (AX), Z0")
		g.op("VCVTPH2PS 32(AX), Z1")
		g.brains(1, 0, 0)
		g.op("ADDQ $64, AX")
	case "BF16":
		g.op("VMOVUPS (AX), Z0")
		g.op("ADDQ $64, AX")
	}
	g.op("VMOVUPS Z0, (BX)")
	g.op("ADDQ R8, BX")
	g.op("DECQ CX")
	g.op("JNZ step")
	g.label("rest")
	g.op("TESTQ R11, R11")
	g.op("JZ next")
	if dtype == "BF16" {
		g.op("VMOVDQU16.Z (AX), K1, Z0")
	} else {
		halfLine(g, dtype, "AX", 0, 1, 0)
		halfLine(g, dtype, "AX", 1, 2, 1)
		g.brains(1, 0, 0)
	}
	g.op("VMOVUPS Z0, (BX)")
	g.label("next")
	g.op("ADDQ R9, SI")
	g.op("ADDQ $64, DI")
	g.op("DECQ R10")
	g.op("JNZ vector")
	g.ret()
}

// firstLanes sets the lower bits of a mask, as many as a register says, and puts bits 16 to 31 into another.
func firstLanes(g *gen, bits string, lo, hi int) {
	g.op("MOVL $-1, AX")
	g.op("BZHIL %s, AX, AX", bits)
	g.op("KMOVD AX, K%d", lo)
	g.op("KSHIFTRD $16, K%d, K%d", lo, hi)
}

// halfLine reads 16 elements, half of 32 from base on, as floats; those that a mask has not are zero.
func halfLine(g *gen, dtype, base string, half, mask, dst int) {
	if dtype == "F32" {
		g.op("VMOVUPS.Z %d(%s), K%d, Z%d", 64*half, base, mask, dst)
		return
	}
	g.op("VMOVDQU16.Z %d(%s), K%d, Y%d", 32*half, base, mask, dst)
	g.op("VCVTPH2PS Y%d, Z%d", dst, dst)
}

// tileAcross writes the copy of vectors that lie across k: for every 32 rows of them
// tiles of 16 vectors, whose lines are pairs of rows as bfloat16. It goes along the rows,
// two by two, as memory has them. The last tiles are filled up with zeros.
//
//	DI dst, R8 bytes between panels, SI src, R9 bytes between rows, R10 rows left
//	AX and BX run along two rows, R12 along panels, CX counts them; R13 line 64·DX of the tiles
//	R11 vectors of the last panel; K1 and K2 tell if the rows are there, K3 and K4 its vectors
func tileAcross(g *gen, dtype string) {
	g.fn("tileAcross"+dtype+"AMX", "(dst *byte, dstStep, panel int, src unsafe.Pointer, lds, rows, cols int)", 56)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ panel+16(FP), R8")
	g.op("MOVQ src+24(FP), SI")
	g.op("MOVQ lds+32(FP), R9")
	g.op("MOVQ rows+40(FP), R10")
	g.op("MOVQ cols+48(FP), R11")
	g.op("ANDQ $31, R11")
	firstLanes(g, "R11", 3, 4)
	for i, table := range []string{"pairUp<>+64(SB)", "pairUp<>+128(SB)"} {
		g.op("VMOVDQU16 %s, Z%d", table, 29+i)
	}
	g.op("VMOVDQU16 pairUp<>+0(SB), Z31")
	g.label("step")
	g.op("MOVQ $16, DX")
	g.op("MOVQ DI, R13")
	g.label("pair")
	for i, k := range []int{1, 2} {
		g.op("XORL AX, AX")
		g.op("CMPQ R10, $%d", i)
		g.op("SETGT AX")
		g.op("NEGL AX")
		g.op("KMOVD AX, K%d", k)
	}
	g.op("MOVQ SI, AX")
	g.op("LEAQ (SI)(R9*1), BX")
	g.op("MOVQ R13, R12")
	g.op("MOVQ cols+48(FP), CX")
	g.op("SHRQ $5, CX")
	g.op("JZ rest")
	g.label("panel")
	acrossHalf(g, dtype, 0, 1, 2)
	acrossHalf(g, dtype, 1, 1, 2)
	bytes := 64
	if dtype == "F32" {
		bytes = 128
	}
	for _, at := range []string{"AX", "BX"} {
		for i := 0; i < bytes; i += 64 {
			g.op("PREFETCHT0 %d(%s)(R9*2)", i, at) // of the next two rows
		}
		g.op("ADDQ $%d, %s", bytes, at)
	}
	g.op("ADDQ R8, R12")
	g.op("DECQ CX")
	g.op("JNZ panel")
	g.label("rest")
	g.op("TESTQ R11, R11")
	g.op("JZ next")
	for half := range 2 {
		if half == 1 {
			g.op("CMPQ R11, $16")
			g.op("JLE next")
		}
		mask := 3 + half
		if dtype == "BF16" {
			mask = 3 // of both halves
		}
		g.op("KANDD K1, K%d, K5", mask)
		g.op("KANDD K2, K%d, K6", mask)
		acrossHalf(g, dtype, half, 5, 6)
	}
	g.label("next")
	g.op("LEAQ (SI)(R9*2), SI")
	g.op("SUBQ $2, R10")
	g.op("ADDQ $64, R13")
	g.op("DECQ DX")
	g.op("JNZ pair")
	g.op("ADDQ dstStep+8(FP), DI")
	g.op("CMPQ R10, $0")
	g.op("JGT step")
	g.ret()
}

// acrossHalf writes the way of 16 pairs to a line, by masks of the two rows.
func acrossHalf(g *gen, dtype string, half, k0, k1 int) {
	if dtype == "BF16" {
		g.op("VMOVDQU16.Z (AX), K%d, Z0", k0)
		g.op("VMOVDQU16.Z (BX), K%d, Z1", k1)
		g.op("VMOVDQU64 Z%d, Z2", 29+half)
		g.op("VPERMI2W Z1, Z0, Z2")
	} else {
		halfLine(g, dtype, "AX", half, k0, 0)
		halfLine(g, dtype, "BX", half, k1, 1)
		g.brains(1, 0, 0)
		g.op("VPERMW Z0, Z31, Z2")
	}
	g.op("VMOVUPS Z2, %d(R12)", 1024*half)
}

// tileTables writes the orders that join words to pairs.
func tileTables(g *gen) {
	g.raw("\n// Word i of the lower half, then word i of the upper one; of one register, then of\n" +
		"// another, words of the lower halves; the same of the upper halves.\n")
	for t, first := range []int{0, 0, 16} {
		for i := range 16 {
			other := i + 16
			if t > 0 {
				other = first + i + 32
			}
			g.data("DATA pairUp<>+%d(SB)/4, $0x%08x", 64*t+4*i, first+i|other<<16)
		}
	}
	g.data("GLOBL pairUp<>(SB), RODATA|NOPTR, $192")
}

// tileTranspose writes the transposition, in place, of tiles of 16 by 16 units of
// 32 bits: it turns rows into columns and the other way.
func tileTranspose(g *gen) {
	g.fn("tileTransposeAMX", "(tiles *byte, step, count int)", 24)
	g.op("MOVQ tiles+0(FP), DI")
	g.op("MOVQ step+8(FP), R8")
	g.op("MOVQ count+16(FP), CX")
	g.label("tile")
	for i := range 16 {
		g.op("VMOVUPS %d(DI), Z%d", 64*i, i)
	}
	for i, r := range transpose16(g) {
		g.op("VMOVUPS Z%d, %d(DI)", r, 64*i)
	}
	g.op("ADDQ R8, DI")
	g.op("DECQ CX")
	g.op("JNZ tile")
	g.ret()
}

// transpose16 transposes the 16 by 16 units in Z0 to Z15 by way of Z16 to Z31 and
// returns the registers that hold rows 0 to 15 of the outcome.
func transpose16(g *gen) (rows [16]int) {
	pairs := func(op string, from, to int, hi bool, dst int) {
		half := "L"
		if hi {
			half = "H"
		}
		g.op("VUNPCK%s%s Z%d, Z%d, Z%d", half, op, to, from, dst)
	}
	for i := 0; i < 16; i += 2 { // units of two rows side by side
		pairs("PS", i, i+1, false, 16+i)
		pairs("PS", i, i+1, true, 17+i)
	}
	for i := 0; i < 16; i += 4 { // of four: register i+c holds column c, c+4, c+8, c+12
		pairs("PD", 16+i, 18+i, false, i)
		pairs("PD", 16+i, 18+i, true, i+1)
		pairs("PD", 17+i, 19+i, false, i+2)
		pairs("PD", 17+i, 19+i, true, i+3)
	}
	for c := range 4 { // of eight
		g.op("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 4+c, c, 16+c)
		g.op("VSHUFF32X4 $0xDD, Z%d, Z%d, Z%d", 4+c, c, 20+c)
		g.op("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 12+c, 8+c, 24+c)
		g.op("VSHUFF32X4 $0xDD, Z%d, Z%d, Z%d", 12+c, 8+c, 28+c)
	}
	for c := range 4 {
		for half, from := range []int{16 + c, 20 + c} {
			g.op("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", from+8, from, c+4*half)
			g.op("VSHUFF32X4 $0xDD, Z%d, Z%d, Z%d", from+8, from, c+4*half+8)
			rows[c+4*half], rows[c+4*half+8] = c+4*half, c+4*half+8
		}
	}
	return rows
}
