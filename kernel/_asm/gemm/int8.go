package main

import "fmt"

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
	laneTable(g)
	for _, kind := range []string{"", "Pairs", "Minima"} {
		for _, rows := range []int{1, 2, 4} {
			int8Micro(g, kind, rows, 1)
		}
		int8Micro(g, kind, 4, 2)
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

// int8Micro writes the product of some rows of activations by 16 rows of weights, or
// by 32: those of two panels.
//
//	AX x, SI and BX blocks of weights, DI meta, CX blocks left, DX sums
//	Z0 to Z15 integer sums, those of the second panel last, Z16 and Z17 levels
//	Z18 and Z19 scales, Z20 and Z21 second scales or minima
//	Z24 on: sums, if there is room for them
func int8Micro(g *gen, kind string, rows, panels int) {
	name := fmt.Sprintf("int8Micro%s%d", kind, rows)
	if panels == 2 {
		name = "int8Micro" + kind + "Wide"
	}
	g.fn(name+"AVX512", "(call *int8Call)", 8)
	int8CallFields(g)
	m := int8Tiling{rows, panels}
	if !m.inMemory() {
		m.each(func(i, p, r int) { g.op("VMOVUPS %s, Z%d", m.sum(i, p), 24+r) })
	}
	g.label("loop")
	for p := range panels {
		g.op("VMOVUPS %d(%s), Z%d", blockLevels, int8PanelOf[p], 18+p)
		if kind != "" {
			g.op("VMOVUPS %d(%s), Z%d", blockLevels+64, int8PanelOf[p], 20+p)
		}
	}
	m.start(g, 0)
	for q := range 8 {
		if kind == "Pairs" && q == 4 {
			m.add(g, 18)
			m.start(g, 16)
		}
		m.dot(g, q)
	}
	if kind == "Pairs" {
		m.add(g, 20)
	} else {
		m.add(g, 18)
	}
	if kind == "Minima" {
		m.subtract(g)
	}
	g.op("ADDQ $%d, SI", blockBytes)
	g.op("ADDQ $%d, BX", blockBytes)
	g.op("ADDQ $%d, DI", metaBytes)
	g.op("ADDQ $%d, AX", 4*inputBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	if !m.inMemory() {
		m.each(func(i, p, r int) { g.op("VMOVUPS Z%d, %s", 24+r, m.sum(i, p)) })
	}
	g.ret()
}

// int8CallFields loads the fields of an int8Call.
func int8CallFields(g *gen) {
	g.op("MOVQ call+0(FP), R15")
	for _, l := range []string{"0(R15), SI", "8(R15), CX", "24(R15), BX", "48(R15), DX", "72(R15), R8", "96(R15), AX", "120(R15), DI"} {
		g.op("MOVQ %s", l)
	}
}

// int8PanelOf and int8SumsOf point to the weights and sums of each panel.
var (
	int8PanelOf = []string{"SI", "BX"}
	int8SumsOf  = []string{"DX", "R8"}
)

// int8Tiling is how many sums a micro-kernel has at a time.
type int8Tiling struct{ rows, panels int }

// inMemory reports whether the sums leave no room for floats beside the integers.
func (m int8Tiling) inMemory() bool { return m.rows*m.panels > 8 }

func (m int8Tiling) sum(i, p int) string { return fmt.Sprintf("%d(%s)", 64*i, int8SumsOf[p]) }

// each calls f for every sum: number r is that of row i and panel p.
func (m int8Tiling) each(f func(i, p, r int)) {
	for i := range m.rows {
		for p := range m.panels {
			f(i, p, m.rows*p+i)
		}
	}
}

// start begins the integer sums.
func (m int8Tiling) start(g *gen, offset int) {
	m.each(func(i, p, r int) { g.op("VPBROADCASTD %d(DI), Z%d", offset+4*i, r) })
}

// dot adds the products of four elements.
func (m int8Tiling) dot(g *gen, q int) {
	for p := range m.panels {
		g.op("VMOVDQU32 %d(%s), Z%d", 64*q, int8PanelOf[p], 16+p)
	}
	for i := range m.rows {
		if m.panels == 1 {
			g.op("VPDPBUSD.BCST %d(AX), Z16, Z%d", 32*i+4*q, i)
			continue
		}
		g.op("VPBROADCASTD %d(AX), Z22", 32*i+4*q)
		for p := range m.panels {
			g.op("VPDPBUSD Z22, Z%d, Z%d", 16+p, m.rows*p+i)
		}
	}
}

// add adds the integer sums, times the scales of weights and activations.
func (m int8Tiling) add(g *gen, scale int) {
	m.each(func(i, p, r int) {
		g.op("VCVTDQ2PS Z%d, Z%d", r, r)
		g.op("VMULPS.BCST %d(DI), Z%d, Z23", metaScale+4*i, scale+p)
		if m.inMemory() {
			g.op("VFMADD213PS %s, Z23, Z%d", m.sum(i, p), r)
			g.op("VMOVUPS Z%d, %s", r, m.sum(i, p))
		} else {
			g.op("VFMADD231PS Z23, Z%d, Z%d", r, 24+r)
		}
	})
}

// subtract takes off the minima, times the sums of the activations.
func (m int8Tiling) subtract(g *gen) {
	m.each(func(i, p, r int) {
		sum := 24 + r
		if m.inMemory() {
			sum = r // where add left it
		}
		g.op("VFNMADD231PS.BCST %d(DI), Z%d, Z%d", metaSum+4*i, 20+p, sum)
		if m.inMemory() {
			g.op("VMOVUPS Z%d, %s", sum, m.sum(i, p))
		}
	})
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
	g.op("VCMPPS $3, Y1, Y0, Y6")
	g.op("VCMPPS $3, Y3, Y2, Y7")
	g.op("VORPS Y7, Y6, Y6")
	g.op("VTESTPS Y6, Y6")
	g.op("JZ numbers")
	g.op("VADDPS Y0, Y1, Y4") // what is no number stays none, by way of the scale
	g.op("VADDPS Y2, Y3, Y6")
	g.op("VADDPS Y6, Y4, Y4")
	fold8(g, "VADDPS", 4, 6)
	g.label("numbers")
	g.op("VMOVSS X4, 32(BX)")
	g.op("VBROADCASTSS X5, Y5")
	for i := range 4 {
		g.op("VMULPS Y5, Y%d, Y%d", i, i)
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
