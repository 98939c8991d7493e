package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

// peak writes n rounds of 24 independent chains of multiply-adds on registers.
func peak(g *gen) {
	g.fn("peakFMANEON", "(n int)", 8, "n R0")
	for r := range 26 {
		g.put(a64.Zero(r))
	}
	g.label("loop")
	for r := range 24 {
		g.put(a64.FMLA(r, 24, 25))
	}
	g.op("SUBS $1, R0")
	g.op("BNE loop")
	g.op("RET")
}

// readSum writes a loop that reads n blocks of 256 bytes.
func readSum(g *gen) {
	g.fn("peakReadNEON", "(p *byte, n int)", 16, "p R0", "n R1")
	for r := range 4 {
		g.put(a64.Zero(r))
	}
	g.label("loop")
	for i := range 8 {
		g.op("FLDPQ.P 32(R0), (F4, F5)")
		g.put(a64.EOR(i%2, i%2, 4), a64.EOR(2+i%2, 2+i%2, 5))
	}
	g.op("SUBS $1, R1")
	g.op("BNE loop")
	g.op("RET")
}
