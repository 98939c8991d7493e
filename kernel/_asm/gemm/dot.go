package main

import "fmt"

// block is the number of elements in one chain of sums; blockK in the kernel package.
const block = 256

// dot writes the products of one vector with 8 rows, transposed in registers so
// that every sum runs over k in order, as in the micro-kernel. With several
// chains it sums that many consecutive blocks side by side, in pairs: that hides
// the latency of the additions, while no more than 8 rows compete for a set of
// the cache. A round takes 64 bytes of every row and chain, a cache line.
//
// What comes next is fetched ahead: 8 lines a round and chain, in runs of 1 or
// 2 KB, because memory gives most in that order. A single chain, which seldom
// has much ahead, fetches a line of every row.
//
//	SI and R9 to R15: the rows, AX x, DI y, CX rounds left, DX bytes to fetch ahead,
//	or with several chains its address, R8 and BX the steps of DX in turn
func dot(g *gen, dtype string, chains int) {
	g.fn(fmt.Sprintf("gemmDot%dx8%sAVX2", chains, dtype),
		"(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)", 56)
	shift, size := 2, 4
	if dtype != "F32" {
		shift, size = 1, 2
	}
	g.op("MOVQ k+0(FP), CX")
	g.op("MOVQ x+8(FP), AX")
	g.op("MOVQ w+16(FP), SI")
	g.op("MOVQ ldw+24(FP), DX")
	g.op("MOVQ y+32(FP), DI")
	g.op("SHLQ $%d, DX", shift)
	for i := 1; i < 8; i++ {
		g.op("LEAQ (%s)(DX*1), %s", rows8[i-1], rows8[i])
	}
	runs := chains > 1
	if runs && size == 2 {
		g.op("MOVQ DX, R8")
		g.op("MOVQ DX, BX")
	} else if runs {
		g.op("MOVQ $%d, R8", 512*chains)
		g.op("MOVQ DX, BX")
		g.op("SUBQ R8, BX")
	}
	g.op("MOVQ ahead+48(FP), DX")
	if runs {
		g.op("ADDQ SI, DX")
	}
	g.op("SHRQ $%d, CX", 6-shift)
	for c := range chains {
		g.op("VXORPS Y%d, Y%d, Y%d", 12+c, 12+c, 12+c)
	}
	g.label("loop")
	for first := 0; first < chains; first += 2 {
		pair := []int{first, first + 1}[:min(2, chains-first)]
		for _, c := range pair {
			for i, r := range rows8 {
				if runs {
					g.op("PREFETCHT0 %d(DX)", 64*(8*c+i))
					continue
				}
				g.op("PREFETCHT0 %d(%s)(DX*1)", c*block*size, r)
			}
		}
		for quarter := range 4 {
			for i, c := range pair {
				transpose(g, 4*i, c*block*size+16*quarter)
			}
			for u := range 4 {
				for i, c := range pair {
					x := 4*c*block + 16/size*4*quarter + 4/size*4*u
					dotUnit(g, dtype, 4*i+u, x, 12+c)
				}
			}
		}
	}
	if runs {
		g.op("ADDQ R8, DX")
		g.op("XCHGQ R8, BX")
	}
	for _, r := range rows8 {
		g.op("ADDQ $64, %s", r)
	}
	g.op("ADDQ $%d, AX", 64/size*4)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.op("CMPB add+40(FP), $0")
	g.op("JEQ put")
	g.op("VADDPS (DI), Y12, Y12")
	g.label("put")
	for c := 1; c < chains; c++ {
		g.op("VADDPS Y%d, Y12, Y12", 12+c)
	}
	g.op("VMOVUPS Y12, (DI)")
	g.ret()
}

// dotUnit multiplies unit u of 8 rows, in register r, with its one or two elements of x.
func dotUnit(g *gen, dtype string, r, x, acc int) {
	if dtype == "F32" {
		g.op("VBROADCASTSS %d(AX), Y8", x)
		g.op("VFMADD231PS Y%d, Y8, Y%d", r, acc)
		return
	}
	widenPair(g, dtype, fmt.Sprint(r), "8", "9")
	g.op("VBROADCASTSS %d(AX), Y10", x)
	g.op("VBROADCASTSS %d(AX), Y11", x+4)
	g.op("VFMADD231PS Y8, Y10, Y%d", acc)
	g.op("VFMADD231PS Y9, Y11, Y%d", acc)
}
