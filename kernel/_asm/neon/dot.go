package main

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel/_asm/a64"
)

// block is the number of elements in one chain of sums; blockK in the kernel package.
const block = 256

// dot writes the products of one vector with 8 rows, transposed in registers so
// that every sum runs over k in order, as in the micro-kernel. With several
// chains it sums that many consecutive blocks side by side, which hides the
// latency of the additions. A round takes 16 bytes of every row and chain.
//
//	R8 to R15: the rows, R0 x, R1 elements left, R2 bytes between rows, R4 y
//	V0 to V15: the rows of two sets of 4, V16 and V17: x, V24 to V31: sums of chains
func dot(g *gen, dtype string, chains int) {
	g.fn(fmt.Sprintf("gemmDot%dx8%sNEON", chains, dtype),
		"(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)", 41,
		"k R1", "x R0", "w R8", "ldw R2", "y R4")
	g.op("MOVBU add+40(FP), R5")
	bytes, shift := size(dtype)
	g.op("LSL $%d, R2", shift)
	for i := 1; i < 8; i++ {
		g.op("ADD R2, %s, %s", row(i-1), row(i))
	}
	upperHalf(g, dtype)
	for i := range 2 * chains {
		g.put(a64.Zero(24 + i))
	}
	g.label("loop")
	for chain := chains - 1; chain >= 0; chain-- { // the first one last: it moves on
		round(g, dtype, chain)
	}
	g.op("SUBS $%d, R1", 16/bytes)
	g.op("BNE loop")
	g.op("CBZ R5, put")
	g.op("FLDPQ (R4), (F0, F1)")
	for set := range 2 {
		g.put(a64.FADD(24+set, set, 24+set))
	}
	g.label("put")
	for chain := 1; chain < chains; chain++ {
		for set := range 2 {
			g.put(a64.FADD(24+set, 24+set, 24+2*chain+set))
		}
	}
	g.op("FSTPQ (F24, F25), (R4)")
	g.op("RET")
}

// round adds the products of 16 bytes of every row.
func round(g *gen, dtype string, chain int) {
	bytes, _ := size(dtype)
	for i := range 8 {
		r := i/4*8 + i%4
		if chain == 0 {
			g.op("FMOVQ.P 16(%s), F%d", row(i), r)
		} else {
			g.put(a64.Load(r, chain*block*bytes, row(i)))
		}
	}
	g.mix(transpose(0, 4), transpose(8, 12))
	for i := range 4 / bytes {
		x := 16 + i
		if chain == 0 {
			g.op("FMOVQ.P 16(R0), F%d", x)
		} else {
			g.put(a64.Load(x, 4*chain*block+16*i, "R0"))
		}
		first, a := widen(dtype, 0, 2*i)
		second, b := widen(dtype, 8, 2*i)
		g.mix(first, second)
		for t := range 4 {
			for set, r := range []int{a[t], b[t]} {
				g.put(a64.FMLALane(24+2*chain+set, r, x, t))
			}
		}
	}
}
