package main

import "fmt"

// tiles writes everything of the products by AMX tiles. A tile of an operand has
// 16 vectors by 32 steps of k: of the first operand ("rows") each vector is a row
// of 64 bytes; of the second ("columns") each row is a pair of steps of all vectors.
func tiles(g *gen) {
	tileTables(g)
	tileProduct(g)
	tileVector(g)
	tilePeak(g)
	for _, t := range []string{"F32", "F16", "BF16"} {
		tileAlong(g, t)
		tileAcross(g, t)
	}
	levelTables(g)
	for _, t := range tileTypes {
		t.write(g)
	}
	tileTranspose(g)
	tileWeigh(g)
	tileOut(g)
	tileFlipped(g)
	tileLines(g)
	tileBias(g)
}

// load reads the fields of a tileCall at (R15) into registers.
func loadCall(g *gen, fields map[int]string) {
	for at := 0; at <= 96; at += 8 {
		if r, ok := fields[at]; ok {
			g.op("MOVQ %d(R15), %s", at, r)
		}
	}
}

// tileProduct writes the product of 32 rows by panels of 32 columns, and one of 16 at the end.
//
//	DI a, R8 bytes between its rows, R9 from step to step, R10 second half of a
//	SI b, DX c, R11 64
//	AX, BX, R12, CX run along k
//	R13 what to fetch: lines of a row and of the one R14 bytes behind it
//
// The fields of the call are at (R15). Each panel fetches two rows.
func tileProduct(g *gen) {
	g.fn("tileProductAMX", "(config *tileConfig, call *tileCall)", 16)
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	g.op("MOVQ call+8(FP), R15")
	loadCall(g, map[int]string{0: "DI", 8: "R8", 16: "R9", 24: "R10", 32: "SI", 48: "DX", 88: "R13", 96: "R14"})
	g.op("ADDQ DI, R10")
	g.op("MOVQ $64, R11")
	g.op("MOVQ 56(R15), AX")
	g.op("MOVQ AX, 104(R15)")
	g.op("TESTQ AX, AX")
	g.op("JEQ half")
	g.label("panel")
	tilePanel(g, 2)
	g.op("MOVQ 72(R15), AX")
	g.op("SHLQ $6, AX")
	g.op("SUBQ AX, R13")
	g.op("LEAQ (R13)(R14*2), R13")
	g.op("ADDQ 40(R15), SI")
	g.op("ADDQ $4096, DX")
	g.op("DECQ 104(R15)")
	g.op("JNZ panel")
	g.label("half")
	g.op("CMPQ 64(R15), $0")
	g.op("JEQ done")
	tilePanel(g, 1)
	g.label("done")
	g.tileRelease()
	g.op("RET")
}

// tilePanel is one panel of 16·cols columns: c's tiles are in registers 0 to 3,
// those of the first 16 columns before those of the second.
func tilePanel(g *gen, cols int) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, cols) }
	g.op("CMPQ 80(R15), $0")
	g.op("JEQ %s", label("clear"))
	for i := range 2 * cols {
		g.tileLoadT1(i, "DX", "R11", 1024*i)
	}
	g.op("JMP %s", label("begin"))
	g.label(label("clear"))
	for i := range 2 * cols {
		g.tileZero(i)
	}
	g.label(label("begin"))
	g.op("MOVQ DI, AX")
	g.op("MOVQ R10, BX")
	g.op("MOVQ SI, R12")
	g.op("MOVQ 72(R15), CX")
	g.label(label("step"))
	g.op("PREFETCHT1 (R13)")
	g.op("PREFETCHT1 (R13)(R14*1)")
	g.op("ADDQ $64, R13")
	g.tileLoad(4, "AX", "R8", 0)
	g.tileLoadT1(6, "R12", "R11", 0)
	g.tileDot(0, 4, 6)
	g.tileLoad(5, "BX", "R8", 0)
	g.tileDot(1, 5, 6)
	if cols == 2 {
		g.tileLoadT1(7, "R12", "R11", 1024)
		g.tileDot(2, 4, 7)
		g.tileDot(3, 5, 7)
	}
	g.op("ADDQ R9, AX")
	g.op("ADDQ R9, BX")
	g.op("ADDQ $2048, R12")
	g.op("DECQ CX")
	g.op("JNZ %s", label("step"))
	for i := range 2 * cols {
		g.tileStore(i, "DX", "R11", 1024*i)
	}
}

// tileVector writes the product of 32 rows by one column of bfloat16, whose pairs
// of steps are one after the other: as a tile, rows of 4 bytes that are 4 bytes apart.
func tileVector(g *gen) {
	g.fn("tileVectorAMX", "(config *tileConfig, call *tileCall)", 16)
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	g.op("MOVQ call+8(FP), R15")
	loadCall(g, map[int]string{0: "DI", 8: "R8", 16: "R9", 24: "R10", 32: "SI", 48: "DX", 72: "CX"})
	g.op("ADDQ DI, R10")
	g.op("MOVQ $4, R11")
	g.op("CMPQ 80(R15), $0")
	g.op("JEQ clear")
	g.tileLoad(0, "DX", "R11", 0)
	g.tileLoad(1, "DX", "R11", 64)
	g.op("JMP step")
	g.label("clear")
	g.tileZero(0)
	g.tileZero(1)
	g.label("step")
	g.tileLoad(6, "SI", "R11", 0)
	g.tileLoad(4, "DI", "R8", 0)
	g.tileDot(0, 4, 6)
	g.tileLoad(5, "R10", "R8", 0)
	g.tileDot(1, 5, 6)
	g.op("ADDQ R9, DI")
	g.op("ADDQ R9, R10")
	g.op("ADDQ $64, SI")
	g.op("DECQ CX")
	g.op("JNZ step")
	g.tileStore(0, "DX", "R11", 0)
	g.tileStore(1, "DX", "R11", 64)
	g.tileRelease()
	g.op("RET")
}

// tilePeak writes n rounds of 4 independent chains of products of tiles, whose
// elements are those of data: zeros would be multiplied at a higher clock.
func tilePeak(g *gen) {
	g.fn("peakTileAMX", "(config *tileConfig, data *byte, n int)", 24)
	tilePeakLoop(g, g.tileDot)
}

func tilePeakLoop(g *gen, dot func(c, a, b int)) {
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	g.op("MOVQ data+8(FP), SI")
	g.op("MOVQ n+16(FP), CX")
	g.op("MOVQ $64, R11")
	for i := range 4 {
		g.tileZero(i)
		g.tileLoad(4+i, "SI", "R11", 1024*i)
	}
	g.label("loop")
	for i := range 4 {
		dot(i, 4+i%2, 6+i/2)
	}
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.tileRelease()
	g.op("RET")
}
