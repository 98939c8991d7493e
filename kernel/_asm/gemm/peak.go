package main

import "fmt"

// peak writes n rounds of 12 independent chains of multiply-adds on registers.
func peak(g *gen, s isa) {
	g.fn("peakFMA"+s.name, "(n int)", 8)
	g.op("MOVQ n+0(FP), CX")
	zero := "VXORPS"
	if s.lanes == 16 {
		zero = "VPXORQ"
	}
	for i := range 14 {
		r := fmt.Sprintf("%s%d", s.reg, i)
		g.op("%s %s, %s, %s", zero, r, r, r)
	}
	g.label("loop")
	for i := range 12 {
		g.op("VFMADD231PS %s12, %s13, %s%d", s.reg, s.reg, s.reg, i)
	}
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}

// readSum writes a loop that reads n blocks of 256 bytes.
func readSum(g *gen) {
	g.fn("peakReadAVX2", "(p *byte, n int)", 16)
	g.op("MOVQ p+0(FP), SI")
	g.op("MOVQ n+8(FP), CX")
	for i := range 4 {
		g.op("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	g.label("loop")
	for i := 0; i < 256; i += 64 {
		g.op("PREFETCHT0 %d(SI)", 4096+i) // farther than the hardware looks; the address need not be valid
	}
	for i := range 8 {
		g.op("VPXOR %d(SI), Y%d, Y%d", 32*i, i%4, i%4)
	}
	g.op("ADDQ $256, SI")
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}
