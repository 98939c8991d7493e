package main

// tileOut writes the way of a tile of sums to c. The last rows and columns may be
// missing. A bias, if there is one, has a float for each column.
//
//	SI tile, DI c, R8 bytes between c's rows, CX rows left, K1 columns, DX if to add, BX bias
func tileOut(g *gen) {
	g.fn("tileOutAVX512", "(c *float32, ldc int, tile *float32, rows, cols int, add bool, bias *float32)", 56)
	g.op("MOVQ c+0(FP), DI")
	g.op("MOVQ ldc+8(FP), R8")
	g.op("SHLQ $2, R8")
	g.op("MOVQ tile+16(FP), SI")
	g.op("MOVQ cols+32(FP), CX")
	firstLanes(g, "CX", 1, 2)
	g.op("MOVQ rows+24(FP), CX")
	g.op("MOVBLZX add+40(FP), DX")
	g.op("MOVQ bias+48(FP), BX")
	g.label("row")
	g.op("VMOVUPS (SI), Z0")
	g.op("TESTQ BX, BX")
	g.op("JZ sums")
	g.op("VADDPS.Z (BX), Z0, K1, Z0")
	g.label("sums")
	g.op("TESTQ DX, DX")
	g.op("JZ put")
	g.op("VADDPS.Z (DI), Z0, K1, Z0")
	g.label("put")
	g.op("VMOVUPS Z0, K1, (DI)")
	g.op("ADDQ $64, SI")
	g.op("ADDQ R8, DI")
	g.op("DECQ CX")
	g.op("JNZ row")
	g.ret()
}

// tileFlipped writes the way of tiles that are below each other to c, transposed: to up to
// 16 rows of it, side by side.
//
//	SI tile, DI c, R8 bytes between c's rows, CX columns left, K1 those of a tile, R9 rows
//	BX bias, R11 what to do with the sums, R12 next pair of tiles, R10 which of the pair
func tileFlipped(g *gen) {
	g.fn("tileFlippedAVX512", "(c *float32, ldc int, tiles *float32, panel, rows, cols, mode int, bias *float32)", 64)
	g.op("MOVQ c+0(FP), DI")
	g.op("MOVQ ldc+8(FP), R8")
	g.op("SHLQ $2, R8")
	g.op("MOVQ tiles+16(FP), SI")
	g.op("MOVQ SI, R12")
	g.op("MOVQ rows+32(FP), R9")
	g.op("MOVQ cols+40(FP), CX")
	g.op("MOVQ mode+48(FP), R11")
	g.op("MOVQ bias+56(FP), BX")
	g.op("XORQ R10, R10")
	g.op("KXNORW K1, K1, K1")
	g.label("tile")
	g.op("CMPQ CX, $16")
	g.op("JGE whole")
	firstLanes(g, "CX", 1, 2)
	g.label("whole")
	for i := range 16 {
		g.op("VMOVUPS %d(SI), Z%d", 64*i, i)
	}
	rows := transpose16(g)
	g.op("TESTQ BX, BX")
	g.op("JZ sums")
	g.op("VMOVUPS.Z (BX), K1, Z31")
	g.op("ADDQ $64, BX")
	for _, r := range rows {
		g.op("VADDPS Z31, Z%d, Z%d", r, r)
	}
	g.label("sums")
	g.op("MOVQ DI, AX")
	g.op("CMPQ R11, $1")
	g.op("JEQ add")
	g.op("JLT store")
	g.op("CMPQ CX, $16")
	g.op("JLT store")
	for _, to := range []struct {
		name string
		put  func(r int)
	}{
		{"stream", func(r int) { g.op("VMOVNTPS Z%d, (AX)", r) }},
		{"store", func(r int) { g.op("VMOVUPS Z%d, K1, (AX)", r) }},
		{"add", func(r int) {
			g.op("VADDPS.Z (AX), Z%d, K1, Z%d", r, r)
			g.op("VMOVUPS Z%d, K1, (AX)", r)
		}},
	} {
		g.label(to.name)
		for i, r := range rows {
			if i > 0 {
				g.op("CMPQ R9, $%d", i)
				g.op("JLE next")
				g.op("ADDQ R8, AX")
			}
			to.put(r)
		}
		if to.name != "add" {
			g.op("JMP next")
		}
	}
	g.label("next")
	g.op("ADDQ $64, DI")
	g.op("ADDQ $1024, SI")
	g.op("XORQ $1, R10")
	g.op("JNZ same")
	g.op("ADDQ panel+24(FP), R12")
	g.op("MOVQ R12, SI")
	g.label("same")
	g.op("SUBQ $16, CX")
	g.op("JGT tile")
	endStream(g)
}

// tileLines writes the way of 16 rows of tiles, those of the same rows beside each other,
// to c: four rows at a time, along which c is written as memory has it.
//
//	SI tiles, DI c, R8 bytes between c's rows, R9 three times as many, K1 the last columns
//	R12 and AX run along a row in tiles and c, BX along the bias, CX counts columns, R10 fours
//	R11 what to do with the sums: 0 store, 1 add, 2 stream
func tileLines(g *gen) {
	g.fn("tileLinesAVX512", "(c *float32, ldc int, tiles *float32, cols, mode int, bias *float32)", 48)
	g.op("MOVQ c+0(FP), DI")
	g.op("MOVQ ldc+8(FP), R8")
	g.op("SHLQ $2, R8")
	g.op("LEAQ (R8)(R8*2), R9")
	g.op("MOVQ tiles+16(FP), SI")
	g.op("MOVQ cols+24(FP), CX")
	g.op("ANDQ $15, CX")
	firstLanes(g, "CX", 1, 2)
	g.op("MOVQ mode+32(FP), R11")
	g.op("MOVQ $4, R10")
	g.label("four")
	g.op("MOVQ SI, R12")
	g.op("MOVQ DI, AX")
	g.op("MOVQ bias+40(FP), BX")
	g.op("MOVQ cols+24(FP), CX")
	g.op("SUBQ $16, CX")
	g.op("JLT last")
	g.label("tile")
	fourLines(g, "", "")
	g.op("ADDQ $2048, R12")
	g.op("ADDQ $64, AX")
	g.op("SUBQ $16, CX")
	g.op("JGE tile")
	g.label("last")
	g.op("ADDQ $16, CX")
	g.op("JZ next")
	fourLines(g, "last", ", K1")
	g.label("next")
	g.op("ADDQ $256, SI")
	g.op("LEAQ (DI)(R8*4), DI")
	g.op("DECQ R10")
	g.op("JNZ four")
	endStream(g)
}

// endStream returns; lines that were streamed are seen before whoever wrote them tells.
func endStream(g *gen) {
	g.op("CMPQ R11, $2")
	g.op("JNE done")
	g.op("SFENCE")
	g.label("done")
	g.ret()
}

// fourLines writes the way of a line of 16 sums to each of four rows, by a mask if there is one.
func fourLines(g *gen, name, mask string) {
	rows := []string{"(AX)", "(AX)(R8*1)", "(AX)(R8*2)", "(AX)(R9*1)"}
	zero := ""
	if mask != "" {
		zero = ".Z"
	}
	for i := range rows {
		g.op("VMOVUPS %d(R12), Z%d", 64*i, i)
	}
	g.op("TESTQ BX, BX")
	g.op("JZ %ssums", name)
	g.op("VMOVUPS%s (BX)%s, Z4", zero, mask)
	g.op("ADDQ $64, BX")
	for i := range rows {
		g.op("VADDPS Z4, Z%d, Z%d", i, i)
	}
	g.label(name + "sums")
	g.op("CMPQ R11, $1")
	g.op("JEQ %sadd", name)
	if mask == "" {
		g.op("JGT %sstream", name)
	}
	for i, at := range rows {
		g.op("VMOVUPS Z%d%s, %s", i, mask, at)
	}
	g.op("JMP %sput", name)
	if mask == "" {
		g.label(name + "stream")
		for i, at := range rows {
			g.op("VMOVNTPS Z%d, %s", i, at)
		}
		g.op("JMP %sput", name)
	}
	g.label(name + "add")
	for i, at := range rows {
		g.op("VADDPS%s %s, Z%d%s, Z%d", zero, at, i, mask, i)
		g.op("VMOVUPS Z%d%s, %s", i, mask, at)
	}
	g.label(name + "put")
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
