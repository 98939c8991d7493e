package main

import "fmt"

// An int8Narrow is int8Tiling for AVX2 and one panel, 8 columns and then the others. Where
// there is no VNNI, products are added up in 16 bits, of as many quads as fit; if one
// does not, because levels take 8 bits, they have signs, which move to the activations.
//
//	AX x, SI blocks of weights, DI meta, CX blocks left, DX sums, R8 offset of the columns
//	Y0 to Y3 integer sums, Y4 to Y7 sums, Y8 to Y11 sums in 16 bits
//	Y12 levels, Y13 their magnitudes, Y15 words of 1
type int8Narrow struct {
	kind  string
	rows  int
	quads int // whose products fit in 16 bits; 0 for VNNI
}

func (m int8Narrow) write(g *gen) {
	isa := "AVX2"
	if m.quads == 0 {
		isa = "AVXVNNI"
	}
	g.fn(fmt.Sprintf("int8Micro%s%d%s", m.kind, m.rows, isa), "(call *int8Call)", 8)
	g.op("MOVQ call+0(FP), R15")
	g.op("XORL R8, R8")
	g.op("VPCMPEQD Y15, Y15, Y15")
	g.op("VPABSW Y15, Y15")
	g.label("columns")
	for _, l := range []string{"0(R15), SI", "8(R15), CX", "48(R15), DX", "96(R15), AX", "120(R15), DI"} {
		g.op("MOVQ %s", l)
	}
	g.op("ADDQ R8, SI")
	g.op("ADDQ R8, DX")
	for i := range m.rows {
		g.op("VMOVUPS %d(DX), Y%d", 64*i, 4+i)
	}
	g.label("loop")
	m.block(g)
	g.op("ADDQ $%d, SI", blockBytes)
	g.op("ADDQ $%d, DI", metaBytes)
	g.op("ADDQ $%d, AX", 4*inputBytes)
	g.op("DECQ CX")
	g.op("JNZ loop")
	for i := range m.rows {
		g.op("VMOVUPS Y%d, %d(DX)", 4+i, 64*i)
	}
	g.op("ADDQ $32, R8")
	g.op("CMPQ R8, $64")
	g.op("JNE columns")
	g.ret()
}

func (m int8Narrow) block(g *gen) {
	m.start(g, 0)
	step := max(m.quads, 1)
	for q := 0; q < 8; q += step {
		if m.kind == "Pairs" && q == 4 {
			m.add(g, 0)
			m.start(g, metaBytes/4)
		}
		m.dot(g, q, q+step)
	}
	if m.kind == "Pairs" {
		m.add(g, 64)
		return
	}
	m.add(g, 0)
	if m.kind == "Minima" {
		for i := range m.rows {
			g.op("VBROADCASTSS %d(DI), Y14", metaSum+4*i)
			g.op("VFNMADD231PS %d(SI), Y14, Y%d", blockLevels+64, 4+i)
		}
	}
}

// start begins the integer sums.
func (m int8Narrow) start(g *gen, offset int) {
	for i := range m.rows {
		g.op("VPBROADCASTD %d(DI), Y%d", offset+4*i, i)
	}
}

// dot adds the products of quads [q, end).
func (m int8Narrow) dot(g *gen, q, end int) {
	for first := q; q < end; q++ {
		g.op("VMOVDQU %d(SI), Y12", 64*q)
		if m.kind == "Signs" {
			g.op("VPABSB Y12, Y13")
		}
		for i := range m.rows {
			g.op("VPBROADCASTD %d(AX), Y14", 32*i+4*q)
			switch {
			case m.quads == 0:
				g.vnni(14, 12, i)
			case m.kind == "Signs":
				g.op("VPSIGNB Y12, Y14, Y14")
				g.op("VPMADDUBSW Y14, Y13, Y%d", 8+i)
			case q == first:
				g.op("VPMADDUBSW Y14, Y12, Y%d", 8+i)
			default:
				g.op("VPMADDUBSW Y14, Y12, Y14")
				g.op("VPADDW Y14, Y%d, Y%d", 8+i, 8+i)
			}
		}
	}
	if m.quads == 0 {
		return
	}
	for i := range m.rows {
		g.op("VPMADDWD Y15, Y%d, Y14", 8+i)
		g.op("VPADDD Y14, Y%d, Y%d", i, i)
	}
}

// add adds the integer sums, times the scales of weights and activations.
func (m int8Narrow) add(g *gen, offset int) {
	for i := range m.rows {
		g.op("VCVTDQ2PS Y%d, Y%d", i, i)
		g.op("VBROADCASTSS %d(DI), Y14", metaScale+4*i)
		g.op("VMULPS %d(SI), Y14, Y14", blockLevels+offset)
		g.op("VFMADD231PS Y14, Y%d, Y%d", i, 4+i)
	}
}
