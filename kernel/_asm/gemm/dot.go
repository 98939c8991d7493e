package main

import "fmt"

// block is the number of elements in one chain of sums; blockK in the kernel package.
const block = 256

// dot writes the products of one vector with 8 rows, transposed in registers so
// that every sum runs over k in order, as in the micro-kernel. With several
// chains it sums that many consecutive blocks side by side, which hides the
// latency of the additions while only 8 rows compete for the sets of the cache.
//
//	SI and R9 to R15: the rows, AX x, DI y, CX rounds left, DX bytes to fetch ahead
func dot(g *gen, dtype string, chains int) {
	g.fn(fmt.Sprintf("gemmDot%dx8%sAVX2", chains, dtype),
		"(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)", 56)
	shift, units, size := 2, 3, 4
	if dtype != "F32" {
		shift, units, size = 1, 4, 2
	}
	g.op("MOVQ k+0(FP), CX")
	g.op("MOVQ x+8(FP), AX")
	g.op("MOVQ w+16(FP), SI")
	g.op("MOVQ ldw+24(FP), DX")
	g.op("MOVQ y+32(FP), DI")
	g.op("MOVBLZX add+40(FP), BX")
	g.op("SHLQ $%d, DX", shift)
	for i := 1; i < 8; i++ {
		g.op("LEAQ (%s)(DX*1), %s", rows8[i-1], rows8[i])
	}
	g.op("MOVQ ahead+48(FP), DX")
	g.op("SHRQ $%d, CX", units)
	widenConstant(g, dtype)
	for c := range chains {
		g.op("VXORPS Y%d, Y%d, Y%d", 8+c, 8+c, 8+c)
	}
	g.label("loop")
	for c := range chains {
		at := c * block * size
		for _, r := range rows8 {
			g.op("PREFETCHT0 %d(%s)(DX*1)", at, r)
		}
		for half := range 2 {
			transpose(g, at+16*half)
			for u := range 4 {
				dotUnit(g, dtype, u, 4*c*block+4<<(units-3)*(4*half+u), 8+c)
			}
		}
	}
	for _, r := range rows8 {
		g.op("ADDQ $32, %s", r)
	}
	g.op("ADDQ $%d, AX", 4<<units)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.op("TESTQ BX, BX")
	g.op("JZ put")
	g.op("VADDPS (DI), Y8, Y8")
	g.label("put")
	for c := 1; c < chains; c++ {
		g.op("VADDPS Y%d, Y8, Y8", 8+c)
	}
	g.op("VMOVUPS Y8, (DI)")
	g.ret()
}

// dotUnit multiplies unit u of 8 rows with its one or two elements of x.
func dotUnit(g *gen, dtype string, u, x, acc int) {
	if dtype == "F32" {
		g.op("VBROADCASTSS %d(AX), Y6", x)
		g.op("VFMADD231PS Y%d, Y6, Y%d", u, acc)
		return
	}
	widenPair(g, dtype, fmt.Sprint(u), "4", "5")
	g.op("VBROADCASTSS %d(AX), Y6", x)
	g.op("VBROADCASTSS %d(AX), Y7", x+4)
	g.op("VFMADD231PS Y4, Y6, Y%d", acc)
	g.op("VFMADD231PS Y5, Y7, Y%d", acc)
}
