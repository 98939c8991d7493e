package main

import "math"

// The registers of tileWeigh's constants, by use.
const (
	zSum = 17 + iota
	zPeak
	zMinusInf
	zExpMin
	zOne
	zPoly // to zPoly+5
	_
	_
	_
	_
	_
	zLn2Lo
	zLn2Hi
	zMagic
	zLog2E
)

// weighConstants are those of exp32, by register.
var weighConstants = []struct {
	reg   int
	value float32
}{
	{zMinusInf, float32(math.Inf(-1))}, {zExpMin, -87.33654022216797}, {zOne, 1},
	{zPoly, 1.9875691500e-4}, {zPoly + 1, 1.3981999507e-3}, {zPoly + 2, 8.3334519073e-3},
	{zPoly + 3, 4.1665795894e-2}, {zPoly + 4, 1.6666665459e-1}, {zPoly + 5, 5.0000001201e-1},
	{zLn2Lo, -2.12194440e-4}, {zLn2Hi, 0.693359375}, {zMagic, 12582912}, {zLog2E, 1.44269504088896341},
}

// tileWeigh writes the way from tiles of scores to tiles of weights, row by row.
//
//	SI scores of the row, DI its weights, R8 keys seen, R9 and R10 run along keys
//	R11 row, R12 call, CX keys left, DX panels left; K1 and K2 keys of a panel's halves
func tileWeigh(g *gen) {
	g.fn("tileWeighAMX", "(call *weighCall)", 8)
	g.op("MOVQ call+0(FP), R12")
	for _, c := range weighConstants {
		g.op("MOVL $0x%08x, AX", math.Float32bits(c.value))
		g.op("VPBROADCASTD AX, Z%d", c.reg)
	}
	g.op("XORQ R11, R11")
	g.label("row")
	g.op("CMPQ R11, 48(R12)")
	g.op("JGE done")
	g.op("MOVQ R11, AX") // row i is at (i/16)*1024 + (i%16)*64, in scores and in weights
	g.op("SHLQ $6, AX")
	g.op("MOVQ 0(R12), SI")
	g.op("ADDQ AX, SI")
	g.op("MOVQ 8(R12), DI")
	g.op("ADDQ AX, DI")
	g.op("MOVQ 16(R12), AX")
	g.op("MOVLQSX (AX)(R11*4), R8")

	g.op("VMOVAPS Z%d, Z0", zMinusInf)
	g.op("MOVQ R8, CX")
	g.op("MOVQ SI, R9")
	g.label("max")
	keysLeft(g, "maxed")
	g.op("VMAXPS (R9), Z0, K1, Z0")
	g.op("VMAXPS 2048(R9), Z0, K2, Z0")
	g.op("ADDQ $4096, R9")
	g.op("SUBQ $32, CX")
	g.op("JMP max")
	g.label("maxed")
	fold(g, "VMAXPS", 0, 1)
	g.op("MOVQ 24(R12), AX")
	g.op("VMOVSS (AX)(R11*4), X2")
	g.op("VMAXSS X0, X2, X0")
	g.op("VMOVSS X0, (AX)(R11*4)")
	g.op("VBROADCASTSS X0, Z%d", zPeak)
	g.op("VBROADCASTSS X2, Z2")
	g.op("VSUBPS Z%d, Z2, Z2", zPeak)
	exp(g, 2, 3)
	g.op("VMOVAPS Z2, Z16") // the fade

	g.op("VPXORQ Z%d, Z%d, Z%d", zSum, zSum, zSum)
	g.op("MOVQ R8, CX")
	g.op("MOVQ SI, R9")
	g.op("MOVQ DI, R10")
	g.op("MOVQ 56(R12), DX")
	g.label("weigh")
	g.op("VPXORQ Z2, Z2, Z2")
	keysLeft(g, "put")
	for half, x := range []int{0, 1} {
		g.op("VMOVUPS %d(R9), Z%d", 2048*half, x)
		g.op("VSUBPS Z%d, Z%d, Z%d", zPeak, x, x)
	}
	exp(g, 0, 3)
	exp(g, 1, 6)
	for half, x := range []int{0, 1} {
		g.op("VMOVAPS.Z Z%d, K%d, Z%d", x, half+1, x)
		g.op("VADDPS Z%d, Z%d, Z%d", x, zSum, zSum)
	}
	g.brains(1, 0, 2)
	g.label("put")
	g.op("VMOVUPS Z2, (R10)")
	g.op("ADDQ $4096, R9")
	g.op("ADDQ $2048, R10")
	g.op("SUBQ $32, CX")
	g.op("DECQ DX")
	g.op("JNZ weigh")
	fold(g, "VADDPS", zSum, 1)
	g.op("MOVQ 32(R12), AX")
	g.op("VMULSS (AX)(R11*4), X16, X2")
	g.op("VADDSS X%d, X2, X2", zSum)
	g.op("VMOVSS X2, (AX)(R11*4)")
	g.op("MOVQ 40(R12), AX")
	g.op("VMOVSS X16, (AX)(R11*4)")
	g.op("INCQ R11")
	g.op("JMP row")
	g.label("done")
	g.ret()
}

// keysLeft sets the masks for the next 32 of CX keys, or jumps if none is left.
func keysLeft(g *gen, none string) {
	g.op("TESTQ CX, CX")
	g.op("JLE %s", none)
	g.op("MOVL $32, BX")
	g.op("CMPQ CX, BX")
	g.op("CMOVQLT CX, BX")
	firstLanes(g, "BX", 1, 2)
}

// exp replaces register x by its exponential, for x <= 0, by way of t to t+2. What
// is below the smallest normal number becomes zero.
func exp(g *gen, x, t int) {
	n, r, q := t, t+1, t+2
	g.op("VCMPPS $5, Z%d, Z%d, K3", zExpMin, x)
	g.op("VMOVAPS Z%d, Z%d", zMagic, n)
	g.op("VFMADD231PS Z%d, Z%d, Z%d", zLog2E, x, n)
	g.op("VSUBPS Z%d, Z%d, Z%d", zMagic, n, q)
	g.op("VMOVAPS Z%d, Z%d", x, r)
	g.op("VFNMADD231PS Z%d, Z%d, Z%d", zLn2Hi, q, r)
	g.op("VFNMADD231PS Z%d, Z%d, Z%d", zLn2Lo, q, r)
	g.op("VMOVAPS Z%d, Z%d", zPoly, q)
	for i := 1; i < 6; i++ {
		g.op("VFMADD213PS Z%d, Z%d, Z%d", zPoly+i, r, q)
	}
	g.op("VMULPS Z%d, Z%d, Z%d", r, r, x)
	g.op("VFMADD213PS Z%d, Z%d, Z%d", r, x, q)
	g.op("VADDPS Z%d, Z%d, Z%d", zOne, q, q)
	g.op("VPSLLD $23, Z%d, Z%d", n, n)
	g.op("VPADDD.Z Z%d, Z%d, K3, Z%d", n, q, x)
}

// fold reduces the lanes of register x to its first one, by way of t.
func fold(g *gen, op string, x, t int) {
	g.op("VEXTRACTF64X4 $1, Z%d, Y%d", x, t)
	g.op("%s Y%d, Y%d, Y%d", op, t, x, x)
	g.op("VEXTRACTF32X4 $1, Y%d, X%d", x, t)
	g.op("%s X%d, X%d, X%d", op, t, x, x)
	g.op("VPERMILPS $0x0E, X%d, X%d", x, t)
	g.op("%s X%d, X%d, X%d", op, t, x, x)
	g.op("VPERMILPS $0x01, X%d, X%d", x, t)
	g.op("%s X%d, X%d, X%d", op, t, x, x)
}
