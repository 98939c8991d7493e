package main

import "fmt"

// micro writes the micro-kernel, with a loop of its own for every number of rows:
// sums of the outer products of a's panel and b's, then c (+)= sums.
//
//	AX a, BX b, R10 bytes between b's rows, CX steps left, DX c, R8 bytes between c's rows
func micro(g *gen, s isa) {
	g.fn("gemmMicro"+s.name, "(kc int, a, b *float32, ldb int, c *float32, ldc, rows int, add bool)", 57)
	for _, l := range []string{"kc+0(FP), CX", "a+8(FP), AX", "b+16(FP), BX", "ldb+24(FP), R10", "c+32(FP), DX", "ldc+40(FP), R8", "rows+48(FP), R9"} {
		g.op("MOVQ %s", l)
	}
	g.op("MOVBLZX add+56(FP), R11")
	g.op("SHLQ $2, R10")
	g.op("SHLQ $2, R8")
	for rows := s.mr; rows > 1; rows-- {
		if rows < s.mr {
			g.label(fmt.Sprintf("not%d", rows+1))
		}
		target := fmt.Sprintf("not%d", rows)
		if rows == 2 {
			target = "rows1"
		}
		g.op("CMPQ R9, $%d", rows)
		g.op("JNE %s", target)
		microRows(g, s, rows)
	}
	g.label("rows1")
	microRows(g, s, 1)
}

func microRows(g *gen, s isa, rows int) {
	acc := func(i, half int) string { return fmt.Sprintf("%s%d", s.reg, s.first+2*i+half) }
	label := func(name string) string { return fmt.Sprintf("%s%d", name, rows) }
	for i := range rows {
		for half := range 2 {
			r := acc(i, half)
			if s.lanes == 16 {
				g.op("VPXORQ %s, %s, %s", r, r, r)
			} else {
				g.op("VXORPS %s, %s, %s", r, r, r)
			}
		}
	}
	g.op("MOVQ DX, DI")
	for i := range rows {
		g.op("PREFETCHT0 (DI)")
		g.op("PREFETCHT0 %d(DI)", 4*s.nr-4)
		if i < rows-1 {
			g.op("ADDQ R8, DI")
		}
	}
	const unroll = 4
	g.op("MOVQ CX, SI")
	g.op("ANDQ $%d, SI", unroll-1)
	g.op("SHRQ $2, CX")
	g.op("JZ %s", label("tail"))
	g.label(label("loop"))
	for u := range unroll {
		step(g, s, rows, u*s.mr*4, acc)
	}
	g.op("ADDQ $%d, AX", unroll*s.mr*4)
	g.op("DECQ CX")
	g.op("JNZ %s", label("loop"))
	g.label(label("tail"))
	g.op("TESTQ SI, SI")
	g.op("JZ %s", label("store"))
	g.label(label("rest"))
	step(g, s, rows, 0, acc)
	g.op("ADDQ $%d, AX", s.mr*4)
	g.op("DECQ SI")
	g.op("JNZ %s", label("rest"))
	g.label(label("store"))
	g.op("TESTQ R11, R11")
	g.op("JZ %s", label("put"))
	g.op("MOVQ DX, DI")
	for i := range rows {
		for half := range 2 {
			g.op("VADDPS %d(DI), %s, %s", half*s.lanes*4, acc(i, half), acc(i, half))
		}
		if i < rows-1 {
			g.op("ADDQ R8, DI")
		}
	}
	g.label(label("put"))
	for i := range rows {
		for half := range 2 {
			g.op("VMOVUPS %s, %d(DX)", acc(i, half), half*s.lanes*4)
		}
		if i < rows-1 {
			g.op("ADDQ R8, DX")
		}
	}
	g.ret()
}

// step adds one outer product: a's rows at offset(AX), b's columns at BX.
func step(g *gen, s isa, rows, offset int, acc func(i, half int) string) {
	g.op("VMOVUPS (BX), %s0", s.reg)
	g.op("VMOVUPS %d(BX), %s1", s.lanes*4, s.reg)
	g.op("ADDQ R10, BX")
	for i := range rows {
		if s.lanes == 16 {
			g.op("VFMADD231PS.BCST %d(AX), Z0, %s", offset+4*i, acc(i, 0))
			g.op("VFMADD231PS.BCST %d(AX), Z1, %s", offset+4*i, acc(i, 1))
			continue
		}
		x := fmt.Sprintf("Y%d", 2+i%2)
		g.op("VBROADCASTSS %d(AX), %s", offset+4*i, x)
		g.op("VFMADD231PS Y0, %s, %s", x, acc(i, 0))
		g.op("VFMADD231PS Y1, %s, %s", x, acc(i, 1))
	}
}
