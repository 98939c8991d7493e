package main

import "fmt"

// An int8Tiling is the product of some rows of activations by 16 rows of weights, or by
// 32: those of two panels.
//
//	AX x, SI and BX blocks of weights, DI meta, CX blocks left, DX and R8 sums
//	Z0 to Z7 integer sums, those of the second panel last, Z8 to Z15 sums
//	Z16 and Z17 levels, Z18 and Z19 scales, Z20 and Z21 second scales or minima
type int8Tiling struct {
	kind         string
	rows, panels int
}

// int8PanelOf and int8SumsOf point to the weights and sums of each panel.
var (
	int8PanelOf = []string{"SI", "BX"}
	int8SumsOf  = []string{"DX", "R8"}
)

func (m int8Tiling) write(g *gen) {
	name := fmt.Sprintf("int8Micro%s%d", m.kind, m.rows)
	if m.panels == 2 {
		name = "int8Micro" + m.kind + "Wide"
	}
	g.fn(name+"AVX512", "(call *int8Call)", 8)
	g.op("MOVQ call+0(FP), R15")
	for _, l := range []string{"0(R15), SI", "8(R15), CX", "24(R15), BX", "48(R15), DX", "72(R15), R8", "96(R15), AX", "120(R15), DI"} {
		g.op("MOVQ %s", l)
	}
	m.each(func(i, p, r int) { g.op("VMOVUPS %d(%s), Z%d", 64*i, int8SumsOf[p], 8+r) })
	g.label("loop")
	m.block(g)
	for _, step := range []struct {
		register string
		bytes    int
	}{{"SI", blockBytes}, {"BX", blockBytes}, {"DI", metaBytes}, {"AX", 4 * inputBytes}} {
		g.op("ADDQ $%d, %s", step.bytes, step.register)
	}
	g.op("DECQ CX")
	g.op("JNZ loop")
	m.each(func(i, p, r int) { g.op("VMOVUPS Z%d, %d(%s)", 8+r, 64*i, int8SumsOf[p]) })
	g.ret()
}

func (m int8Tiling) block(g *gen) {
	for p := range m.panels {
		g.op("VMOVUPS %d(%s), Z%d", blockLevels, int8PanelOf[p], 18+p)
		if m.kind != "" {
			g.op("VMOVUPS %d(%s), Z%d", blockLevels+64, int8PanelOf[p], 20+p)
		}
	}
	m.start(g, 0)
	for q := range 8 {
		if m.kind == "Pairs" && q == 4 {
			m.add(g, 18)
			m.start(g, metaBytes/4)
		}
		m.dot(g, q)
	}
	switch m.kind {
	case "Pairs":
		m.add(g, 20)
	case "Minima":
		m.add(g, 18)
		m.each(func(i, p, r int) { g.op("VFNMADD231PS.BCST %d(DI), Z%d, Z%d", metaSum+4*i, 20+p, 8+r) })
	default:
		m.add(g, 18)
	}
}

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
	m.each(func(i, _, r int) { g.op("VPBROADCASTD %d(DI), Z%d", offset+4*i, r) })
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
		g.op("VFMADD231PS Z23, Z%d, Z%d", r, 8+r)
	})
}
