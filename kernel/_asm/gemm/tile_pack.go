package main

// tileRows writes the copy of up to 16 vectors that lie along k: steps tiles, each
// 32 elements of every vector as bfloat16, one row of 64 bytes for each.
//
//	DI dst, R8 bytes between tiles, SI src, R9 bytes between vectors, R10 vectors left
//	AX and BX run along k, CX counts steps
func tileRows(g *gen, dtype string) {
	g.fn("tileRows"+dtype+"AMX", "(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)", 48)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ dstStep+8(FP), R8")
	g.op("MOVQ src+16(FP), SI")
	g.op("MOVQ lds+24(FP), R9")
	g.op("MOVQ count+32(FP), R10")
	g.label("vector")
	g.op("MOVQ SI, AX")
	g.op("MOVQ DI, BX")
	g.op("MOVQ steps+40(FP), CX")
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
	g.op("ADDQ R9, SI")
	g.op("ADDQ $64, DI")
	g.op("DECQ R10")
	g.op("JNZ vector")
	g.ret()
}

// tileCols writes the copy of up to 16 vectors that lie across k: steps tiles,
// each 16 rows of pairs of elements as bfloat16.
//
//	DI dst, R8 bytes between tiles, SI src, R9 bytes between steps of k, CX tiles left, DX rows left
func tileCols(g *gen, dtype string) {
	g.fn("tileCols"+dtype+"AMX", "(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)", 48)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ dstStep+8(FP), R8")
	g.op("MOVQ src+16(FP), SI")
	g.op("MOVQ lds+24(FP), R9")
	g.op("MOVQ count+32(FP), CX")
	g.op("MOVL $1, AX")
	g.op("SHLL CX, AX")
	g.op("DECL AX")
	g.op("KMOVW AX, K1")
	g.op("MOVQ steps+40(FP), CX")
	g.op("VMOVDQU16 pairUp<>(SB), Z31")
	g.label("tile")
	g.op("MOVQ DI, BX")
	g.op("MOVQ $16, DX")
	g.label("row")
	switch dtype {
	case "F32":
		g.op("VMOVUPS.Z (SI), K1, Z0")
		g.op("VMOVUPS.Z (SI)(R9*1), K1, Z1")
		g.brains(1, 0, 0)
	case "F16":
		for i, at := range []string{"(SI)", "(SI)(R9*1)"} {
			g.op("VMOVDQU16.Z %s, K1, Y%d", at, i)
			g.op("VCVTPH2PS Y%d, Z%d", i, i)
		}
		g.brains(1, 0, 0)
	case "BF16":
		g.op("VMOVDQU16.Z (SI), K1, Y0")
		g.op("VMOVDQU16.Z (SI)(R9*1), K1, Y1")
		g.op("VINSERTI64X4 $1, Y1, Z0, Z0")
	}
	g.op("VPERMW Z0, Z31, Z0")
	g.op("VMOVUPS Z0, (BX)")
	g.op("LEAQ (SI)(R9*2), SI")
	g.op("ADDQ $64, BX")
	g.op("DECQ DX")
	g.op("JNZ row")
	g.op("ADDQ R8, DI")
	g.op("DECQ CX")
	g.op("JNZ tile")
	g.ret()
}

// tileTables writes the order that joins element i of two halves to a pair.
func tileTables(g *gen) {
	g.raw("\n// Word i of the lower half, then word i of the upper one.\n")
	for i := range 16 {
		g.data("DATA pairUp<>+%d(SB)/4, $0x%08x", 4*i, i|(i+16)<<16)
	}
	g.data("GLOBL pairUp<>(SB), RODATA|NOPTR, $64")
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

// tileOut writes the way of a tile of sums to c: as it is, or transposed. The last
// rows and columns may be missing. A bias, if there is one, has a float for each column.
//
//	SI tile, DI c, R8 bytes between c's rows, CX rows left, K1 columns
func tileOut(g *gen, transposed bool) {
	name := "tileOutAVX512"
	if transposed {
		name = "tileOutTransposedAVX512"
	}
	g.fn(name, "(c *float32, ldc int, tile *float32, rows, cols int, add bool, bias *float32)", 56)
	g.op("MOVQ c+0(FP), DI")
	g.op("MOVQ ldc+8(FP), R8")
	g.op("SHLQ $2, R8")
	g.op("MOVQ tile+16(FP), SI")
	g.op("MOVQ cols+32(FP), CX")
	g.op("MOVL $1, AX")
	g.op("SHLL CX, AX")
	g.op("DECL AX")
	g.op("KMOVW AX, K1")
	g.op("MOVQ rows+24(FP), CX")
	g.op("MOVBLZX add+40(FP), DX")
	g.op("MOVQ bias+48(FP), BX")
	for i := range 16 {
		g.op("VMOVUPS %d(SI), Z%d", 64*i, i)
	}
	rows := [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	if transposed {
		rows = transpose16(g)
	}
	g.op("TESTQ BX, BX")
	g.op("JZ sums")
	g.op("VMOVUPS.Z (BX), K1, Z31")
	for _, r := range rows {
		g.op("VADDPS Z31, Z%d, Z%d", r, r)
	}
	g.label("sums")
	g.op("TESTQ DX, DX")
	g.op("JNZ add")
	streamed(g)
	for i, r := range rows {
		outRow(g, i, "done", func() { g.op("VMOVUPS Z%d, K1, (DI)", r) })
	}
	g.op("JMP done")
	g.label("stream")
	for i, r := range rows {
		g.op("VMOVNTPS Z%d, (DI)", r)
		if i < 15 {
			g.op("ADDQ R8, DI")
		}
	}
	g.op("SFENCE") // the lines are seen before whoever wrote them tells
	g.op("JMP done")
	g.label("add")
	for i, r := range rows {
		outRow(g, i, "done", func() {
			g.op("VADDPS.Z (DI), Z%d, K1, Z%d", r, r)
			g.op("VMOVUPS Z%d, K1, (DI)", r)
		})
	}
	g.label("done")
	g.ret()
}

// streamed jumps to stream if a tile is whole, each of its rows a cache line, and c so
// wide that the lines would not stay in a cache: writing around it saves reading them.
func streamed(g *gen) {
	const wide = 2048 // floats
	g.op("CMPQ R8, $%d", 4*wide)
	g.op("JLT plain")
	g.op("MOVQ DI, AX")
	g.op("ORQ R8, AX")
	g.op("TESTQ $63, AX")
	g.op("JNZ plain")
	g.op("CMPQ CX, $16")
	g.op("JNE plain")
	g.op("CMPQ cols+32(FP), $16")
	g.op("JEQ stream")
	g.label("plain")
}

func outRow(g *gen, i int, done string, put func()) {
	g.op("CMPQ CX, $%d", i)
	g.op("JLE %s", done)
	put()
	if i < 15 {
		g.op("ADDQ R8, DI")
	}
}

// tileBias writes the sum of lines of 16 floats and a bias that has a float for each of 32.
//
//	DI sums, CX groups of 32 lines left, SI bias
func tileBias(g *gen) {
	g.fn("tileBiasAVX512", "(sums, bias *float32, groups int)", 24)
	g.op("MOVQ sums+0(FP), DI")
	g.op("MOVQ bias+8(FP), SI")
	g.op("MOVQ groups+16(FP), CX")
	g.label("group")
	for i := range 32 {
		g.op("VBROADCASTSS %d(SI), Z0", 4*i)
		g.op("VADDPS %d(DI), Z0, Z0", 64*i)
		g.op("VMOVUPS Z0, %d(DI)", 64*i)
	}
	g.op("ADDQ $2048, DI")
	g.op("DECQ CX")
	g.op("JNZ group")
	g.ret()
}
