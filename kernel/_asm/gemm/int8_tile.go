package main

// int8Tile writes the product of 16 rows of activations by 16 rows of weights, whose
// levels have signs, by the matrix unit. It multiplies as many blocks as there are
// tiles for integer sums, one after the other without waiting, while the sums of those
// before are scaled.
//
//	AX x, SI levels, R8 32, R11 64; R12 and R14 buffers of integer sums: being filled, being read
//	R13 scales, DI, R9, R10 and BX meta of 4 rows each, CX groups left, R15 blocks behind them, DX sums
//	Z0 to Z15 sums, Z16 scale, Z17 second scale or minimum
func int8Tile(g *gen, kind string) {
	g.fn("int8Tile"+kind+"AMX", "(config *tileConfig, weights *byte, x *int8, meta *byte, blocks int, sums *float32, buffer *int32)", 56)
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	for _, l := range []string{
		"weights+8(FP), SI", "x+16(FP), AX", "meta+24(FP), DI", "blocks+32(FP), CX",
		"sums+40(FP), DX", "buffer+48(FP), R12", "SI, R13", "$32, R8", "$64, R11", "CX, BX", "CX, R15",
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
	group := int8Group / halves
	g.op("LEAQ %d(R12), R14", 1024*int8Group)
	for i := range 16 {
		g.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	g.op("ANDQ $%d, R15", group-1)
	g.op("SHRQ $%d, CX", group/2)
	g.op("TESTQ CX, CX")
	g.op("JZ rest")
	g.op("JMP first")
	g.label("loop")
	int8Tiles(g, group, halves)
	int8Scale(g, kind, group, halves)
	g.op("JMP next")
	g.label("first")
	int8Tiles(g, group, halves)
	g.label("next")
	g.op("XCHGQ R12, R14")
	g.op("DECQ CX")
	g.op("JNZ loop")
	int8Scale(g, kind, group, halves)
	g.label("rest")
	g.op("TESTQ R15, R15")
	g.op("JZ done")
	int8Tiles(g, 1, halves)
	g.op("XCHGQ R12, R14")
	int8Scale(g, kind, 1, halves)
	g.op("DECQ R15")
	g.op("JMP rest")
	g.label("done")
	for i := range 16 {
		g.op("VMOVUPS Z%d, %d(DX)", i, 64*i)
	}
	g.tileRelease()
	g.ret()
}

// int8Group is the number of tiles for integer sums: those of 4 blocks, or of 2 with two scales.
const int8Group = 2

// int8Tiles multiplies blocks, or the two halves of each, and stores the integer sums.
func int8Tiles(g *gen, blocks, halves int) {
	for t := range blocks * halves {
		b, h := t/halves, t%halves
		g.tileZero(t)
		g.tileLoad(4+t%2, "AX", "R8", 16*inputBytes*b+16*h)
		g.tileLoad(6+t%2, "SI", "R11", blockBytes*b+256*h)
		g.tileDotInt8(t, 4+t%2, 6+t%2)
	}
	for t := range blocks * halves {
		g.tileStore(t, "R12", "R11", 1024*t)
	}
	g.op("ADDQ $%d, AX", 16*inputBytes*blocks)
	g.op("ADDQ $%d, SI", blockBytes*blocks)
}

// int8Scale adds the integer sums of blocks, times the scales.
func int8Scale(g *gen, kind string, blocks, halves int) {
	bases := []string{"DI", "R9", "R10", "BX"}
	turn := 0
	for b := range blocks {
		g.op("VMOVUPS %d(R13), Z16", blockBytes*b+blockLevels)
		if kind != "" {
			g.op("VMOVUPS %d(R13), Z17", blockBytes*b+blockLevels+64)
		}
		for i := range 16 {
			base, offset := bases[i/4], metaBytes*b+4*(i%4)
			for h := range halves {
				t := 18 + 2*(turn%7)
				turn++
				g.op("VCVTDQ2PS %d(R14), Z%d", 1024*(b*halves+h)+64*i, t)
				g.op("VMULPS.BCST %d(%s), Z%d, Z%d", metaScale+offset, base, 16+h, t+1)
				g.op("VFMADD231PS Z%d, Z%d, Z%d", t+1, t, i)
			}
			if kind == "Minima" {
				g.op("VFNMADD231PS.BCST %d(%s), Z17, Z%d", metaSum+offset, base, i)
			}
		}
	}
	g.op("ADDQ $%d, R13", blockBytes*blocks)
	for _, base := range bases {
		g.op("ADDQ $%d, %s", metaBytes*blocks, base)
	}
}
