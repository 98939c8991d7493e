package main

import "fmt"

// An int8Tiling is the product of some rows of activations by 16 rows of weights, or by
// 32: those of two panels.
//
//	AX x, SI and BX blocks of weights, DI meta, CX blocks left, DX and R8 sums
//	Z8 to Z15 sums, those of the second panel last; integer sums from register ints on
//	Z16 and Z17 levels, Z18 and Z19 scales or minima, Z22 levels of x
type int8Tiling struct {
	kind         string
	rows, panels int
	ints         int
}

// int8PanelOf and int8SumsOf point to the weights and sums of each panel.
var (
	int8PanelOf = []string{"SI", "BX"}
	int8SumsOf  = []string{"DX", "R8"}
)

func (m int8Tiling) write(g *gen) {
	m.begin(g)
	g.label("loop")
	if m.kind == "Pairs" {
		m.dots(g, 0, 4)
		m.scale(g, 0, 0)
		m.dots(g, 4, 8)
		m.scale(g, 1, 0)
	} else {
		m.dots(g, 0, 8)
		m.scale(g, 0, 0)
	}
	m.advance(g)
	g.op("DECQ CX")
	g.op("JNZ loop")
	m.end(g)
}

func (m int8Tiling) begin(g *gen) {
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
}

func (m int8Tiling) end(g *gen) {
	m.each(func(i, p, r int) { g.op("VMOVUPS Z%d, %d(%s)", 8+r, 64*i, int8SumsOf[p]) })
	g.ret()
}

// advance moves on by a block.
func (m int8Tiling) advance(g *gen) {
	for _, panel := range int8PanelOf[:m.panels] {
		g.op("ADDQ $%d, %s", blockBytes, panel)
	}
	g.op("ADDQ $%d, DI", metaBytes)
	g.op("ADDQ $%d, AX", 4*inputBytes)
}

// each calls f for every sum: number r is that of row i and panel p.
func (m int8Tiling) each(f func(i, p, r int)) {
	for i := range m.rows {
		for p := range m.panels {
			f(i, p, m.rows*p+i)
		}
	}
}

// dots begins the integer sums and adds the products of quads [q, end).
func (m int8Tiling) dots(g *gen, q, end int) {
	m.each(func(i, _, r int) { g.op("VPBROADCASTD %d(DI), Z%d", q*metaBytes/16+4*i, m.ints+r) })
	for ; q < end; q++ {
		for p := range m.panels {
			g.op("VMOVDQU32 %d(%s), Z%d", 64*q, int8PanelOf[p], 16+p)
		}
		for i := range m.rows {
			if m.panels == 1 {
				g.op("VPDPBUSD.BCST %d(AX), Z16, Z%d", 32*i+4*q, m.ints+i)
				continue
			}
			g.op("VPBROADCASTD %d(AX), Z22", 32*i+4*q)
			for p := range m.panels {
				g.op("VPDPBUSD Z22, Z%d, Z%d", 16+p, m.ints+m.rows*p+i)
			}
		}
	}
}

// scale adds the integer sums of a block, counted from this one, times the scales of
// weights, which may be the second ones, and activations.
func (m int8Tiling) scale(g *gen, second, block int) {
	m.load(g, second, block)
	m.each(func(i, p, r int) {
		g.op("VCVTDQ2PS Z%d, Z%d", m.ints+r, m.ints+r)
		g.op("VMULPS.BCST %d(DI), Z%d, Z23", metaBytes*block+metaScale+4*i, 18+p)
		g.op("VFMADD231PS Z23, Z%d, Z%d", m.ints+r, 8+r)
	})
	if m.kind == "Minima" {
		m.load(g, 1, block)
		m.each(func(i, p, r int) {
			g.op("VFNMADD231PS.BCST %d(DI), Z%d, Z%d", metaBytes*block+metaSum+4*i, 18+p, 8+r)
		})
	}
}

// load loads the scales of each panel, or what is second.
func (m int8Tiling) load(g *gen, second, block int) {
	for p := range m.panels {
		g.op("VMOVUPS %d(%s), Z%d", blockBytes*block+blockLevels+64*second, int8PanelOf[p], 18+p)
	}
}
