package main

// int8Peak writes n rounds of 12 independent dot products of bytes, by VNNI or what comes
// closest to it, and those of the matrix unit.
func int8Peak(g *gen) {
	int8PeakLoop(g, avx512, "AVX512", func(i int) { g.op("VPDPBUSD Z12, Z13, Z%d", i) })
	int8PeakLoop(g, avx2, "AVX2", func(i int) {
		g.op("VPMADDUBSW Y12, Y13, Y14")
		g.op("VPADDW Y14, Y%d, Y%d", i, i)
	})
	int8PeakLoop(g, avx2, "AVXVNNI", func(i int) {
		if i < 8 {
			g.vnni(12, 13, i)
		}
	})
	g.fn("peakTileInt8AMX", "(config *tileConfig, data *byte, n int)", 24)
	tilePeakLoop(g, g.tileDotInt8)
}

func int8PeakLoop(g *gen, s isa, suffix string, dot func(i int)) {
	g.fn("peakInt8"+suffix, "(n int)", 8)
	g.op("MOVQ n+0(FP), CX")
	zero := "VPXOR"
	if s.lanes == 16 {
		zero = "VPXORD"
	}
	for i := range 14 {
		g.op("%s %s%d, %s%d, %s%d", zero, s.reg, i, s.reg, i, s.reg, i)
	}
	g.label("loop")
	for i := range 12 {
		dot(i)
	}
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}
