package main

import "fmt"

// Products of quantised weights by activations of 8 bits. A block is 32 elements of k
// for 16 rows of weights: 8 registers of levels, lane r of register q holding elements 4q
// to 4q+3 of row r; then the rows' scales; then their second scales (of elements 16 on)
// or minima. Activations have 32 bytes for each of 16 rows.
const (
	blockLevels = 512
	blockBytes  = blockLevels + 128
	inputBytes  = 512
	metaBytes   = 128 // of a block of 8 rows of activations: see int8Meta
	metaScale   = 64
	metaSum     = 96
)

func int8Products(g *gen) {
	laneTable(g)
	for _, kind := range []string{"", "Pairs", "Minima"} {
		for _, rows := range []int{1, 2, 4, 8} {
			int8Micro(g, kind, rows)
		}
	}
	for _, t := range int8Types {
		t.write(g)
	}
	int8Round(g)
	for _, kind := range []string{"", "Pairs", "Minima"} {
		int8Tile(g, kind)
	}
	int8Peak(g)
}

// int8Micro writes the product of some rows of activations by 16 rows of weights.
//
//	AX x, SI blocks of weights, DI meta, CX blocks left, DX sums
//	Z0 to Z7 sums, Z8 to Z15 integer sums, Z16 levels, Z17 scale, Z18 second scale or minimum
func int8Micro(g *gen, kind string, rows int) {
	g.fn(fmt.Sprintf("int8Micro%s%dAVX512", kind, rows), "(weights *byte, x *int8, meta *byte, blocks int, sums *float32)", 40)
	for _, l := range []string{"weights+0(FP), SI", "x+8(FP), AX", "meta+16(FP), DI", "blocks+24(FP), CX", "sums+32(FP), DX"} {
		g.op("MOVQ %s", l)
	}
	for i := range rows {
		g.op("VMOVUPS %d(DX), Z%d", 64*i, i)
	}
	g.label("loop")
	g.op("VMOVUPS %d(SI), Z17", blockLevels)
	if kind != "" {
		g.op("VMOVUPS %d(SI), Z18", blockLevels+64)
	}
	startInts(g, rows, 0)
	for q := range 8 {
		if kind == "Pairs" && q == 4 {
			addInts(g, rows, 17)
			startInts(g, rows, 32)
		}
		g.op("VMOVDQU32 %d(SI), Z16", 64*q)
		for i := range rows {
			g.op("VPDPBUSD.BCST %d(AX), Z16, Z%d", 32*i+4*q, 8+i)
		}
	}
	switch kind {
	case "Pairs":
		addInts(g, rows, 18)
	case "Minima":
		addInts(g, rows, 17)
		for i := range rows {
			g.op("VFNMADD231PS.BCST %d(DI), Z18, Z%d", metaSum+4*i, i)
		}
	default:
		addInts(g, rows, 17)
	}
	g.op("ADDQ $%d, SI", blockBytes)
	g.op("ADDQ $%d, DI", metaBytes)
	g.op("ADDQ $%d, AX", inputBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	for i := range rows {
		g.op("VMOVUPS Z%d, %d(DX)", i, 64*i)
	}
	g.ret()
}

func startInts(g *gen, rows, offset int) {
	for i := range rows {
		g.op("VPBROADCASTD %d(DI), Z%d", offset+4*i, 8+i)
	}
}

// addInts adds the integer sums, times the scales of weights and activations.
func addInts(g *gen, rows, scale int) {
	for i := range rows {
		g.op("VCVTDQ2PS Z%d, Z%d", 8+i, 8+i)
		g.op("VMULPS.BCST %d(DI), Z%d, Z19", metaScale+4*i, scale)
		g.op("VFMADD231PS Z19, Z%d, Z%d", 8+i, i)
	}
}

// int8Round writes the rounding of whole blocks of a row to 8 bits: to the nearest,
// ties to even, of x·127/max|x|.
//
//	SI x, DI q, DX scales, R8 bytes between scales, BX sums of 16, R9 bytes between them, CX blocks left
func int8Round(g *gen) {
	g.fn("int8RoundAVX512", "(q *int8, scales *float32, sums *int32, step int, x *float32, blocks int)", 48)
	g.op("MOVQ q+0(FP), DI")
	g.op("MOVQ scales+8(FP), DX")
	g.op("MOVQ sums+16(FP), BX")
	g.op("MOVQ step+24(FP), R8")
	g.op("MOVQ x+32(FP), SI")
	g.op("MOVQ blocks+40(FP), CX")
	g.op("MOVL $0x7fffffff, AX")
	g.op("VPBROADCASTD AX, Z31")
	g.op("MOVL $0x42fe0000, AX") // 127
	g.op("VMOVD AX, X30")
	g.op("MOVL $0x01010101, AX")
	g.op("VPBROADCASTD AX, X29")
	g.op("VPXORD X28, X28, X28")
	g.label("loop")
	for i := range 2 {
		g.op("VMOVUPS %d(SI), Z%d", 64*i, i)
		g.op("VPANDD Z31, Z%d, Z%d", i, 2+i)
	}
	g.op("VMAXPS Z3, Z2, Z2")
	fold(g, "VMAXPS", 2, 3)
	g.op("VDIVSS X30, X2, X4")
	g.op("VCMPPS $3, Z0, Z0, K1")
	g.op("VCMPPS $3, Z1, Z1, K2")
	g.op("KORTESTW K1, K2")
	g.op("JZ numbers")
	g.op("VADDPS Z0, Z1, Z4") // what is no number stays none, by way of the scale
	fold(g, "VADDPS", 4, 3)
	g.label("numbers")
	g.op("VMOVSS X4, (DX)")
	g.op("VDIVSS X2, X30, X5") // 127/max; infinite for zeros, whose products are not kept
	g.op("VBROADCASTSS X5, Z5")
	g.op("VXORPS X6, X6, X6")
	g.op("VUCOMISS X6, X2")
	g.op("JNE scaled")
	g.op("VPXORD Z5, Z5, Z5")
	g.label("scaled")
	for i := range 2 {
		g.op("VMULPS Z5, Z%d, Z%d", i, i)
		g.op("VCVTPS2DQ Z%d, Z%d", i, i)
		g.op("VPMOVSDB Z%d, X%d", i, 7+i)
		g.op("VMOVDQU X%d, %d(DI)", 7+i, 16*i)
		g.op("VMOVDQA32 X28, X9")
		g.op("VPDPBUSD X%d, X29, X9", 7+i)
		g.op("VPERMILPS $0x0E, X9, X10")
		g.op("VPADDD X10, X9, X9")
		g.op("VPERMILPS $0x01, X9, X10")
		g.op("VPADDD X10, X9, X9")
		g.op("VMOVSS X9, %d(BX)", 32*i)
	}
	g.op("ADDQ $128, SI")
	g.op("ADDQ $%d, DI", inputBytes)
	g.op("ADDQ R8, DX")
	g.op("ADDQ R8, BX")
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}
