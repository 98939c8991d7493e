package main

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel/_asm/a64"
)

// packRows writes the transposing copy: 4 rows of k elements, of which the last are
// repeated when count is less, become k rows of 4 floats. k is a multiple of 4 for
// F32 and of 8 for the 16-bit types.
//
//	R0 dst, R1 bytes between its rows, R8 to R11: the 4 rows, R5 elements left
func packRows(g *gen, dtype string) {
	g.fn("gemmPackRows"+dtype+"NEON", "(dst *float32, ldd int, src unsafe.Pointer, lds, count, k int)", 48,
		"dst R0", "ldd R1", "src R8", "lds R3", "count R4", "k R5")
	bytes, shift := size(dtype)
	g.op("LSL $2, R1")
	g.op("LSL $%d, R3", shift)
	for i := 1; i < 4; i++ {
		g.op("ADD R3, R%d, R%d", 7+i, 8+i)
		g.op("CMP $%d, R4", i)
		g.op("CSEL GT, R%d, R%d, R%d", 8+i, 7+i, 8+i)
	}
	upperHalf(g, dtype)
	g.label("loop")
	for i := range 4 {
		g.op("FMOVQ.P 16(R%d), F%d", 8+i, i)
	}
	g.put(transpose(0, 4)...)
	for pair := 0; pair < 4; pair += bytes {
		lines, floats := widen(dtype, 0, pair)
		g.put(lines...)
		for _, r := range floats {
			g.put(a64.Store(r, 0, "R0"))
			g.op("ADD R1, R0")
		}
	}
	g.op("SUBS $%d, R5", 16/bytes)
	g.op("BNE loop")
	g.op("RET")
}

// transpose takes 4 units of 32 bits of 4 rows in registers r to r+3, and changes
// those from t to t+3.
func transpose(r, t int) (lines []string) {
	for i := 0; i < 4; i += 2 {
		lines = append(lines, a64.TRN1("S4", t+i, r+i, r+i+1), a64.TRN2("S4", t+1+i, r+i, r+i+1))
	}
	for i := range 2 {
		lines = append(lines, a64.TRN1("D2", r+i, t+i, t+2+i), a64.TRN2("D2", r+2+i, t+i, t+2+i))
	}
	return lines
}

// upper is the register of a mask for BF16.
const upper = 23

func upperHalf(g *gen, dtype string) {
	if dtype == "BF16" {
		g.op("MOVD $0xffff0000, R6")
		g.put(a64.DupR(upper, "R6"))
	}
}

// widen makes 4 consecutive floats of 4 rows, in the registers that it returns, out
// of what transpose has left from register r on: all units, or two of pairs of
// 16-bit elements. It changes the registers from r+4 on.
func widen(dtype string, r, pair int) (lines []string, floats []int) {
	p, q, t := r+pair, r+pair+1, r+4
	switch dtype {
	case "F32":
		return nil, []int{r, r + 1, r + 2, r + 3}
	case "F16":
		return []string{
			a64.UZP1("H8", t, p, q), a64.UZP2("H8", t+1, p, q),
			a64.FCVTL(p, t), a64.FCVTL2(q, t), a64.FCVTL(t+2, t+1), a64.FCVTL2(t+3, t+1),
		}, []int{p, t + 2, q, t + 3}
	}
	return []string{
		a64.SHL(t, p, 16), a64.AND(p, p, upper), a64.SHL(t+1, q, 16), a64.AND(q, q, upper),
	}, []int{t, p, t + 1, q}
}

// packCols writes the straight copy: k rows of groups of 4 elements, 1 to 3 of them,
// become k rows of as many floats.
//
//	R0 dst, R1 bytes between its rows, R2 src, R3 bytes between its rows, R5 rows left
func packCols(g *gen, dtype string) {
	g.fn("gemmPackCols"+dtype+"NEON", "(dst *float32, ldd int, src unsafe.Pointer, lds, groups, k int)", 48,
		"dst R0", "ldd R1", "src R2", "lds R3", "groups R4", "k R5")
	_, shift := size(dtype)
	g.op("LSL $2, R1")
	g.op("LSL $%d, R3", shift)
	for groups := 1; groups <= tileRows/4; groups++ {
		if groups > 1 {
			g.label("over%d", groups-1)
		}
		if groups < tileRows/4 {
			g.op("CMP $%d, R4", groups)
			g.op("BGT over%d", groups)
		}
		g.label("loop%d", groups)
		for i := range groups {
			copyGroup(g, dtype, i)
		}
		g.op("ADD R3, R2")
		g.op("ADD R1, R0")
		g.op("SUBS $1, R5")
		g.op("BNE loop%d", groups)
		g.op("RET")
	}
}

func copyGroup(g *gen, dtype string, i int) {
	if dtype == "F32" {
		g.put(a64.Load(i, 16*i, "R2"), a64.Store(i, 16*i, "R0"))
		return
	}
	f := a64.FCVTL
	if dtype == "BF16" {
		f = a64.SHLL
	}
	g.put(a64.Load8(i, 8*i, "R2"), f(i, i), a64.Store(i, 16*i, "R0"))
}

// row is the register of a row pointer.
func row(i int) string { return fmt.Sprintf("R%d", 8+i) }
