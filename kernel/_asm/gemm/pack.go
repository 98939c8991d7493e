package main

// packRows writes the transposing copy: 8 rows of k elements, of which the last
// are repeated when count is less, become k rows of 8 floats (6 or 4 when lanes says so).
// k is a multiple of 8 for F32 and of 16 for the 16-bit types, whose pairs of
// elements are transposed as 32-bit units and widened afterwards.
//
//	DI dst, R8 bytes between its rows, SI and R9 to R15: the 8 rows, CX blocks left
func packRows(g *gen, s isa, dtype string) {
	g.fn("gemmPackRows"+dtype+s.name, "(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)", 56)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ ldd+8(FP), R8")
	g.op("MOVQ src+16(FP), SI")
	g.op("MOVQ lds+24(FP), AX")
	g.op("MOVQ count+32(FP), BX")
	g.op("MOVQ lanes+40(FP), DX")
	g.op("MOVQ k+48(FP), CX")
	g.op("SHLQ $2, R8")
	width, shift := 4, 2
	if dtype != "F32" {
		width, shift = 2, 1
	}
	g.op("SHLQ $%d, AX", shift)
	for i := 1; i < 8; i++ {
		g.op("CMPQ BX, $%d", i)
		g.op("MOVQ %s, %s", rows8[i-1], rows8[i])
		g.op("JLE clamp%d", i)
		g.op("ADDQ AX, %s", rows8[i])
		g.label("clamp" + string(rune('0'+i)))
	}
	step := 32 / width
	g.op("SHRQ $%d, CX", map[int]int{8: 3, 16: 4}[step])
	g.op("JZ done")
	if s.lanes == 16 {
		g.op("XCHGQ DX, CX")
		g.op("MOVL $1, BX")
		g.op("SHLL CX, BX")
		g.op("DECL BX")
		g.op("KMOVW BX, K1")
		g.op("MOVQ DX, CX")
		transposeLoop(g, dtype, "loop", storeMasked)
	} else {
		g.op("CMPQ DX, $8")
		g.op("JNE six")
		transposeLoop(g, dtype, "loop", store8)
		g.ret()
		g.label("six")
		transposeLoop(g, dtype, "loop6", store6)
	}
	g.label("done")
	g.ret()
}

func store8(g *gen, r string) { g.op("VMOVUPS Y%s, (DI)", r) }

func storeMasked(g *gen, r string) { g.op("VMOVUPS Y%s, K1, (DI)", r) }

func store6(g *gen, r string) {
	g.op("VMOVUPS X%s, (DI)", r)
	g.op("VEXTRACTF128 $1, Y%s, X14", r)
	g.op("VMOVLPS X14, 16(DI)")
}

// transposeLoop transposes 8 rows by 8 units of 32 bits at a time.
func transposeLoop(g *gen, dtype, label string, store func(*gen, string)) {
	g.label(label)
	for half := range 2 {
		transpose(g, 0, 16*half)
		for _, r := range []string{"0", "1", "2", "3"} {
			widen(g, dtype, r, store)
		}
	}
	for _, r := range rows8 {
		g.op("ADDQ $32, %s", r)
	}
	g.op("DECQ CX")
	g.op("JNZ %s", label)
}

// rows8 are the registers of 8 row pointers.
var rows8 = []string{"SI", "R9", "R10", "R11", "R12", "R13", "R14", "R15"}

// transpose leaves 4 units of the 8 rows in registers r to r+3 and changes the
// next 4. Rows i and i+4 share a register, so that no shuffle crosses its halves.
func transpose(g *gen, r, offset int) {
	for i := range 4 {
		g.op("VMOVUPS %d(%s), X%d", offset, rows8[i], r+i)
		g.op("VINSERTF128 $1, %d(%s), Y%d, Y%d", offset, rows8[i+4], r+i, r+i)
	}
	shuffle(g, r)
}

// shuffle is transpose for units that are loaded: those of rows i and i+4 in register r+i.
func shuffle(g *gen, r int) {
	g.op("VUNPCKLPS Y%d, Y%d, Y%d", r+1, r, r+4)
	g.op("VUNPCKHPS Y%d, Y%d, Y%d", r+1, r, r+5)
	g.op("VUNPCKLPS Y%d, Y%d, Y%d", r+3, r+2, r+6)
	g.op("VUNPCKHPS Y%d, Y%d, Y%d", r+3, r+2, r+7)
	g.op("VSHUFPS $0x44, Y%d, Y%d, Y%d", r+6, r+4, r)
	g.op("VSHUFPS $0xEE, Y%d, Y%d, Y%d", r+6, r+4, r+1)
	g.op("VSHUFPS $0x44, Y%d, Y%d, Y%d", r+7, r+5, r+2)
	g.op("VSHUFPS $0xEE, Y%d, Y%d, Y%d", r+7, r+5, r+3)
}

// widen stores the 8 units of register r as one row of floats, or as two rows
// when a unit is a pair of 16-bit elements.
func widen(g *gen, dtype, r string, store func(*gen, string)) {
	put := func(r string) {
		store(g, r)
		g.op("ADDQ R8, DI")
	}
	if dtype == "F32" {
		put(r)
		return
	}
	widenPair(g, dtype, r, "12", "13")
	put("12")
	put("13")
}

// widenPair turns 8 pairs of 16-bit elements into the floats of the even and of the odd ones.
func widenPair(g *gen, dtype, r, even, odd string) {
	if dtype == "BF16" {
		g.op("VPSLLD $16, Y%s, Y%s", r, even)
		g.op("VPAND upperHalf<>(SB), Y%s, Y%s", r, odd)
		return
	}
	// Even elements to the low 64 bits of each half, odd ones to the high.
	g.op("VPSHUFB evenOdd<>(SB), Y%s, Y%s", r, even)
	g.op("VPERMQ $0xD8, Y%s, Y%s", even, even)
	g.op("VEXTRACTI128 $1, Y%s, X%s", even, odd)
	g.op("VCVTPH2PS X%s, Y%s", even, even)
	g.op("VCVTPH2PS X%s, Y%s", odd, odd)
}

// packCols writes the straight copy: k rows of count elements become k rows of
// lanes floats. AVX2 takes 8 lanes (or 6) at a time and loads a part of them
// only from F32; AVX-512 takes 16 and any part.
//
//	DI dst, R8 bytes between its rows, SI src, R9 bytes between its rows, CX rows left
func packCols(g *gen, s isa, dtype string) {
	g.fn("gemmPackCols"+dtype+s.name, "(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)", 56)
	g.op("MOVQ dst+0(FP), DI")
	g.op("MOVQ ldd+8(FP), R8")
	g.op("MOVQ src+16(FP), SI")
	g.op("MOVQ lds+24(FP), R9")
	g.op("MOVQ count+32(FP), BX")
	g.op("MOVQ lanes+40(FP), DX")
	g.op("SHLQ $2, R8")
	shift := 2
	if dtype != "F32" {
		shift = 1
	}
	g.op("SHLQ $%d, R9", shift)
	if s.lanes == 16 {
		for i, r := range []string{"BX", "DX"} {
			g.op("MOVQ %s, CX", r)
			g.op("MOVL $1, AX")
			g.op("SHLL CX, AX")
			g.op("DECL AX")
			g.op("KMOVW AX, K%d", i+1)
		}
		g.op("MOVQ k+48(FP), CX")
		colsLoop(g, "loop", func() {
			switch dtype {
			case "F32":
				g.op("VMOVUPS.Z (SI), K1, Z0")
			case "F16":
				g.op("VMOVDQU16.Z (SI), K1, Y0")
				g.op("VCVTPH2PS Y0, Z0")
			case "BF16":
				g.op("VMOVDQU16.Z (SI), K1, Y0")
				g.op("VPMOVZXWD Y0, Z0")
				g.op("VPSLLD $16, Z0, Z0")
			}
			g.op("VMOVUPS Z0, K2, (DI)")
		})
		g.ret()
		return
	}
	g.op("MOVQ k+48(FP), CX")
	load := func() {
		switch dtype {
		case "F32":
			g.op("VMOVUPS (SI), Y0")
		case "F16":
			g.op("VCVTPH2PS (SI), Y0")
		case "BF16":
			g.op("VPMOVZXWD (SI), Y0")
			g.op("VPSLLD $16, Y0, Y0")
		}
	}
	if dtype == "F32" {
		g.op("CMPQ BX, $8")
		g.op("JNE part")
	}
	colsLoop(g, "full", func() { load(); store8(g, "0") })
	g.ret()
	if dtype != "F32" {
		return
	}
	g.label("part")
	g.op("LEAQ firstLanes<>(SB), AX")
	g.op("SHLQ $2, BX")
	g.op("SUBQ BX, AX")
	g.op("VMOVDQU 32(AX), Y1")
	g.op("CMPQ DX, $8")
	g.op("JNE six")
	colsLoop(g, "part8", func() { g.op("VMASKMOVPS (SI), Y1, Y0"); store8(g, "0") })
	g.ret()
	g.label("six")
	colsLoop(g, "part6", func() { g.op("VMASKMOVPS (SI), Y1, Y0"); store6(g, "0") })
	g.ret()
}

func colsLoop(g *gen, label string, body func()) {
	g.label(label)
	body()
	g.op("ADDQ R9, SI")
	g.op("ADDQ R8, DI")
	g.op("DECQ CX")
	g.op("JNZ %s", label)
}

// tables writes the constants of the packing functions.
func tables(g *gen) {
	g.raw("\n// Even 16-bit elements of each 16 bytes first, then the odd ones.\n")
	order := []int{0, 2, 4, 6, 1, 3, 5, 7}
	for i := 0; i < 32; i += 8 {
		var v uint64
		for j := range 4 {
			e := uint64(order[(i/2+j)%8])
			v |= (2*e | (2*e+1)<<8) << (16 * j)
		}
		g.data("DATA evenOdd<>+%d(SB)/8, $0x%016x", i, v)
	}
	g.data("GLOBL evenOdd<>(SB), RODATA|NOPTR, $32")
	g.raw("\n// The second of each pair of 16-bit elements.\n")
	for i := 0; i < 32; i += 8 {
		g.data("DATA upperHalf<>+%d(SB)/8, $0xffff0000ffff0000", i)
	}
	g.data("GLOBL upperHalf<>(SB), RODATA|NOPTR, $32")
	g.raw("\n// Eight ones and eight zeros: the 32 bytes that start n words before the zeros mask n lanes.\n")
	for i := 0; i < 64; i += 8 {
		v := "0xffffffffffffffff"
		if i >= 32 {
			v = "0"
		}
		g.data("DATA firstLanes<>+%d(SB)/8, $%s", i, v)
	}
	g.data("GLOBL firstLanes<>(SB), RODATA|NOPTR, $64")
}
