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
		tileRows(g, t)
		tileCols(g, t)
	}
	tileTranspose(g)
	tileOut(g, false)
	tileOut(g, true)
}

// load reads the fields of a tileCall at (R15) into registers.
func loadCall(g *gen, fields map[int]string) {
	for at := 0; at <= 80; at += 8 {
		if r, ok := fields[at]; ok {
			g.op("MOVQ %d(R15), %s", at, r)
		}
	}
}

// tileProduct writes the product of 32 rows by panels of 32 columns, and one of 16 at the end.
//
//	DI a, R8 bytes between its rows, R9 from step to step, R10 second half of a
//	SI b, R13 bytes between its panels, DX c, R14 panels, R11 64
//	AX, BX, R12, CX run along k; the fields of the call are at (R15)
func tileProduct(g *gen) {
	g.fn("tileProductAMX", "(config *tileConfig, call *tileCall)", 16)
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	g.op("MOVQ call+8(FP), R15")
	loadCall(g, map[int]string{0: "DI", 8: "R8", 16: "R9", 24: "R10", 32: "SI", 40: "R13", 48: "DX", 56: "R14"})
	g.op("ADDQ DI, R10")
	g.op("MOVQ $64, R11")
	g.op("TESTQ R14, R14")
	g.op("JZ half")
	g.label("panel")
	tilePanel(g, 2)
	g.op("ADDQ R13, SI")
	g.op("ADDQ $4096, DX")
	g.op("DECQ R14")
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
		g.tileLoad(i, "DX", "R11", 1024*i)
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
	g.tileLoad(4, "AX", "R8", 0)
	g.tileLoad(6, "R12", "R11", 0)
	g.tileDot(0, 4, 6)
	g.tileLoad(5, "BX", "R8", 0)
	g.tileDot(1, 5, 6)
	if cols == 2 {
		g.tileLoad(7, "R12", "R11", 1024)
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

// tilePeak writes n rounds of 4 independent chains of products of tiles.
func tilePeak(g *gen) {
	g.fn("peakTileAMX", "(config *tileConfig, n int)", 16)
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	g.op("MOVQ n+8(FP), CX")
	for i := range 8 {
		g.tileZero(i)
	}
	g.label("loop")
	for i := range 4 {
		g.tileDot(i, 4+i%2, 6+i/2)
	}
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.tileRelease()
	g.op("RET")
}
