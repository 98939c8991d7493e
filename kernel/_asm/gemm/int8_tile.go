package main

// int8Tile writes the product of 16 rows of activations by 16 rows of weights, whose
// levels have signs, by the matrix unit: it multiplies a block while the sums of the
// one before are scaled.
//
//	AX x, SI levels, R8 32, R11 64; R12 and R14 buffers of integer sums: being filled, being read
//	R13 scales, DI, R9, R10 and BX meta of 4 rows each, CX blocks left, DX sums
//	Z0 to Z15 sums, Z16 scale, Z17 second scale or minimum
func int8Tile(g *gen, kind string) {
	g.fn("int8Tile"+kind+"AMX", "(config *tileConfig, weights *byte, x *int8, meta *byte, blocks int, sums *float32, buffer *int32)", 56)
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	for _, l := range []string{
		"weights+8(FP), SI", "x+16(FP), AX", "meta+24(FP), DI", "blocks+32(FP), CX",
		"sums+40(FP), DX", "buffer+48(FP), R12", "SI, R13", "$32, R8", "$64, R11", "CX, BX",
	} {
		g.op("MOVQ %s", l)
	}
	g.op("IMULQ $%d, BX", metaBytes)
	g.op("LEAQ (DI)(BX*1), R9")
	g.op("LEAQ (R9)(BX*1), R10")
	g.op("ADDQ R10, BX")
	halves := 1
	if kind == "Pairs" {
		halves = 2
	}
	g.op("LEAQ %d(R12), R14", 1024*halves)
	for i := range 16 {
		g.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	g.op("JMP first")
	g.label("loop")
	int8Tiles(g, halves)
	int8Scale(g, kind)
	g.op("XCHGQ R12, R14")
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.op("JMP last")
	g.label("first")
	int8Tiles(g, halves)
	g.op("XCHGQ R12, R14")
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.label("last")
	int8Scale(g, kind)
	for i := range 16 {
		g.op("VMOVUPS Z%d, %d(DX)", i, 64*i)
	}
	g.tileRelease()
	g.ret()
}

// int8Tiles multiplies a block, or its two halves, and stores the integer sums.
func int8Tiles(g *gen, halves int) {
	for h := range halves {
		g.tileZero(h)
		g.tileLoad(4+h, "AX", "R8", 16*h)
		g.tileLoad(6+h, "SI", "R11", 256*h)
		g.tileDotInt8(h, 4+h, 6+h)
	}
	for h := range halves {
		g.tileStore(h, "R12", "R11", 1024*h)
	}
	g.op("ADDQ $%d, AX", 16*inputBytes)
	g.op("ADDQ $%d, SI", blockBytes)
}

// int8Scale adds the integer sums of a block, times the scales.
func int8Scale(g *gen, kind string) {
	g.op("VMOVUPS %d(R13), Z16", blockLevels)
	if kind != "" {
		g.op("VMOVUPS %d(R13), Z17", blockLevels+64)
	}
	bases := []string{"DI", "R9", "R10", "BX"}
	meta := func(i int) (base string, offset int) { return bases[i/4], 4 * (i % 4) }
	for i := range 16 {
		base, offset := meta(i)
		add := func(half, scale int) {
			t := 18 + 2*(i%4) + 6*half
			g.op("VCVTDQ2PS %d(R14), Z%d", 1024*half+64*i, t)
			g.op("VMULPS.BCST %d(%s), Z%d, Z%d", metaScale+offset, base, scale, t+1)
			g.op("VFMADD231PS Z%d, Z%d, Z%d", t+1, t, i)
		}
		add(0, 16)
		if kind == "Pairs" {
			add(1, 17)
		}
		if kind == "Minima" {
			g.op("VFNMADD231PS.BCST %d(%s), Z17, Z%d", metaSum+offset, base, i)
		}
	}
	g.op("ADDQ $%d, R13", blockBytes)
	for _, base := range bases {
		g.op("ADDQ $%d, %s", metaBytes, base)
	}
}
