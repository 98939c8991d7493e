package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

// The tile of the micro-kernel: 24 registers of sums, 2 of b and 3 of a.
const (
	tileRows = 12
	tileCols = 8
	unroll   = 4
)

// sum is the register of half of a row of the tile.
func sum(row, half int) int { return 8 + 2*row + half }

// micro writes the micro-kernel, with a loop for up to 4, 8 and 12 rows: sums of
// the outer products of a's panel and b's, then c (+)= sums.
//
//	R0 a, R1 b, R2 bytes between b's rows, R3 steps left, R4 c, R5 bytes between
//	c's rows, R6 rows, R7 whether to add
func micro(g *gen) {
	g.fn("gemmMicroNEON", "(kc int, a, b *float32, ldb int, c *float32, ldc, rows int, add bool)", 57,
		"kc R3", "a R0", "b R1", "ldb R2", "c R4", "ldc R5", "rows R6")
	g.op("MOVBU add+56(FP), R7")
	g.op("LSL $2, R2")
	g.op("LSL $2, R5")
	for rows := 4; rows <= tileRows; rows += 4 {
		if rows < tileRows {
			g.op("CMP $%d, R6", rows)
			g.op("BGT over%d", rows)
		}
		outer(g, rows)
		if rows < tileRows {
			g.op("B store")
			g.label("over%d", rows)
		}
	}
	g.label("store")
	for row := range tileRows {
		g.op("CBZ R7, put%d", row)
		g.op("FLDPQ (R4), (F0, F1)")
		for half := range 2 {
			g.put(a64.FADD(sum(row, half), half, sum(row, half)))
		}
		g.label("put%d", row)
		g.op("FSTPQ (F%d, F%d), (R4)", sum(row, 0), sum(row, 1))
		if row == tileRows-1 {
			break
		}
		g.op("ADD R5, R4")
		g.op("SUBS $1, R6")
		g.op("BEQ done")
	}
	g.label("done")
	g.op("RET")
}

// outer sums the products of some rows.
func outer(g *gen, rows int) {
	for row := range rows {
		g.put(a64.Zero(sum(row, 0)), a64.Zero(sum(row, 1)))
	}
	g.op("AND $%d, R3, R8", unroll-1)
	g.op("LSR $2, R3")
	g.op("CBZ R3, tail%d", rows)
	g.label("loop%d", rows)
	for u := range unroll {
		step(g, rows, 4*tileRows*u)
	}
	g.op("ADD $%d, R0", 4*tileRows*unroll)
	g.op("SUBS $1, R3")
	g.op("BNE loop%d", rows)
	g.label("tail%d", rows)
	g.op("CBZ R8, summed%d", rows)
	g.label("rest%d", rows)
	step(g, rows, 0)
	g.op("ADD $%d, R0", 4*tileRows)
	g.op("SUBS $1, R8")
	g.op("BNE rest%d", rows)
	g.label("summed%d", rows)
}

// step adds one outer product: a's rows at offset(R0), b's columns at R1.
func step(g *gen, rows, offset int) {
	g.op("FLDPQ (R1), (F0, F1)")
	g.op("ADD R2, R1")
	for i := range rows / 4 {
		g.put(a64.Load(2+i, offset+16*i, "R0"))
	}
	for row := range rows {
		for half := range 2 {
			g.put(a64.FMLALane(sum(row, half), half, 2+row/4, row%4))
		}
	}
}
