package main

// Products of quantised weights by activations of 8 bits. A block is 32 elements of k
// for 16 rows of weights: 8 registers of levels, lane r of register q holding elements 4q
// to 4q+3 of row r; then the rows' scales; then their second scales (of elements 16 on)
// or minima. Activations have 32 bytes for each of 4 rows, or of 16 for the matrix unit.
const (
	blockLevels = 512
	blockBytes  = blockLevels + 128
	inputBytes  = 32
	metaBytes   = 64 // of a block of 4 rows of activations: see int8Meta
	metaScale   = 32
	metaSum     = 48
)

func int8Products(g *gen) {
	int8Constants(g)
	for _, kind := range []string{"", "Pairs", "Minima"} {
		for _, rows := range []int{1, 2, 4} {
			int8Tiling{kind, rows, 1, 0}.write(g)
		}
		int8Wide(g, kind)
		int8Tile(g, kind)
	}
	for _, rows := range []int{1, 4} {
		for _, kind := range []string{"", "Pairs", "Minima"} {
			int8Narrow{kind, rows, 0}.write(g)
		}
		int8Narrow{"", rows, 4}.write(g)      // levels up to 31
		int8Narrow{"Signs", rows, 1}.write(g) // -128 to 127
		int8Narrow{"Pairs", rows, 2}.write(g) // up to 63
		int8Narrow{"Minima", rows, 4}.write(g)
	}
	for _, t := range int8Types {
		t.write(g, avx2)
		t.write(g, avx512)
	}
	int8Less(g)
	int8Round(g)
	int8Peak(g)
}

// int8Round writes the rounding of whole blocks of a row to 8 bits: to the nearest,
// ties to even, of x·127/max|x|.
//
//	SI x, DI q, R9 bytes to its next block, BX sums of the first half, followed by
//	those of the second one and by scales, CX blocks left
func int8Round(g *gen) {
	g.raw("\n// Doublewords that PACKSSDW and PACKSSWB leave in two halves, in order.\n")
	for i, v := range []uint64{4 << 32, 5<<32 | 1, 6<<32 | 2, 7<<32 | 3} {
		g.data("DATA packedOrder<>+%d(SB)/8, $0x%016x", 8*i, v)
	}
	g.data("GLOBL packedOrder<>(SB), RODATA|NOPTR, $32")
	g.fn("int8RoundAVX2", "(q *int8, step int, sums *int32, x *float32, blocks int)", 40)
	for _, l := range []string{"q+0(FP), DI", "step+8(FP), R9", "sums+16(FP), BX", "x+24(FP), SI", "blocks+32(FP), CX"} {
		g.op("MOVQ %s", l)
	}
	g.op("VPCMPEQD Y15, Y15, Y15")
	g.op("VPABSW Y15, Y12") // words of 1
	g.op("VPABSB Y15, Y14") // bytes of 1
	g.op("VPSRLD $1, Y15, Y15")
	g.op("MOVL $0x42fe0000, AX") // 127
	g.op("VMOVD AX, X13")
	g.op("MOVL $0x7f7fffff, AX") // the largest number
	g.op("VMOVD AX, X11")
	g.label("loop")
	for i := range 4 {
		g.op("VMOVUPS %d(SI), Y%d", 32*i, i)
		g.op("VANDPS Y15, Y%d, Y%d", i, 4+i)
	}
	g.op("VMAXPS Y5, Y4, Y4")
	g.op("VMAXPS Y7, Y6, Y6")
	g.op("VMAXPS Y6, Y4, Y4")
	fold8(g, "VMAXPS", 4, 5)
	g.op("VDIVSS X4, X13, X5")
	g.op("VMINSS X11, X5, X5")
	g.op("VDIVSS X13, X4, X4")
	g.op("VBROADCASTSS X5, Y5")
	for i := range 4 {
		g.op("VMULPS Y5, Y%d, Y%d", i, i)
	}
	g.op("VCMPPS $3, Y1, Y0, Y6")
	g.op("VCMPPS $3, Y3, Y2, Y7")
	g.op("VORPS Y7, Y6, Y6")
	g.op("VTESTPS Y6, Y6")
	g.op("JZ numbers")
	g.op("VADDPS Y0, Y1, Y4") // where a level is no number, the scale is none
	g.op("VADDPS Y2, Y3, Y6")
	g.op("VADDPS Y6, Y4, Y4")
	fold8(g, "VADDPS", 4, 6)
	g.label("numbers")
	g.op("VMOVSS X4, %d(BX)", metaScale)
	for i := range 4 {
		g.op("VCVTPS2DQ Y%d, Y%d", i, i)
	}
	g.op("VPACKSSDW Y1, Y0, Y0")
	g.op("VPACKSSDW Y3, Y2, Y2")
	g.op("VPACKSSWB Y2, Y0, Y0")
	g.op("VMOVDQU packedOrder<>(SB), Y6")
	g.op("VPERMD Y0, Y6, Y0")
	g.op("VMOVDQU Y0, (DI)")
	g.op("VPMADDUBSW Y0, Y14, Y0") // bytes of x have signs, those of 1 none
	g.op("VPMADDWD Y12, Y0, Y0")
	for i := range 2 {
		g.op("VPSHUFD $%d, Y0, Y1", []int{0x4e, 0xb1}[i])
		g.op("VPADDD Y1, Y0, Y0")
	}
	g.op("VEXTRACTI128 $1, Y0, X1")
	g.op("VMOVD X0, (BX)")
	g.op("VMOVD X1, 16(BX)")
	g.op("ADDQ $128, SI")
	g.op("ADDQ R9, DI")
	g.op("ADDQ $%d, BX", metaBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.ret()
}

// fold8 leaves in the first lane of r what an operation makes of all 8.
func fold8(g *gen, op string, r, t int) {
	g.op("VEXTRACTF128 $1, Y%d, X%d", r, t)
	g.op("%s X%d, X%d, X%d", op, t, r, r)
	g.op("VPERMILPS $0x0E, X%d, X%d", r, t)
	g.op("%s X%d, X%d, X%d", op, t, r, r)
	g.op("VPERMILPS $0x01, X%d, X%d", r, t)
	g.op("%s X%d, X%d, X%d", op, t, r, r)
}
