//go:build amd64 && !purego

package kernel

import "unsafe"

// gemmDot1x8F32AVX2 multiplies one row by 8 rows, each sum a chain over increasing t:
//
//	for j := range 8 { for t := range k { sum[j] = fma(x[t], w[ldw*j+t], sum[j]) } }
//
// and stores y[j] = sum[j], or y[j] + sum[j] when add is set. k is a multiple of
// 8, or of 16 for the 16-bit types. Memory is fetched the given number of bytes
// ahead; the address need not be valid.
//
//go:noescape
func gemmDot1x8F32AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot1x8F16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot1x8BF16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

// gemmDot4x8F32AVX2 does the work of four calls of gemmDot1x8F32AVX2, on
// consecutive blocks of k = blockK elements.
//
//go:noescape
func gemmDot4x8F32AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot4x8F16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot4x8BF16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

// dot multiplies one row by columns [j, j+nr) without packing b, and reports
// whether it could: it takes whole vectors of rows of b. Bound by memory, the
// AVX2 form serves AVX-512 as well.
func (g *gemmTask) dot(j int) bool {
	unit := 8
	if g.b.dtype != F32 {
		unit = 16
	}
	if !useAVX2 && !useAVX512 || g.m != 1 || g.a.kMajor || g.b.kMajor || g.k%unit != 0 || j+g.nr > g.n {
		return false
	}
	for end := j + g.nr; j < end; j += 8 {
		g.dot8(j)
	}
	return true
}

// dot8 multiplies one row by columns [j, j+8), four blocks of k at a time while it can.
func (g *gemmTask) dot8(j int) {
	size := g.b.dtype.Size()
	for t := 0; t < g.k; {
		chains, kc := 1, min(blockK, g.k-t)
		if g.k-t >= 4*blockK {
			chains = 4
		}
		end := t + chains*kc
		ahead := chains * kc * size
		if end == g.k {
			ahead = (8*g.b.stride - t) * size // the beginning of the next 8 rows
		}
		dotKernel(g.b.dtype, chains, kc, &g.a.f32[t], g.b.pointer(g.b.index(j, t)), g.b.stride, &g.c[j], g.keep || t > 0, ahead)
		t = end
	}
}

func dotKernel(dtype DType, chains, k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int) {
	switch {
	case dtype == F16 && chains == 4:
		gemmDot4x8F16AVX2(k, x, w, ldw, y, add, ahead)
	case dtype == F16:
		gemmDot1x8F16AVX2(k, x, w, ldw, y, add, ahead)
	case dtype == BF16 && chains == 4:
		gemmDot4x8BF16AVX2(k, x, w, ldw, y, add, ahead)
	case dtype == BF16:
		gemmDot1x8BF16AVX2(k, x, w, ldw, y, add, ahead)
	case chains == 4:
		gemmDot4x8F32AVX2(k, x, w, ldw, y, add, ahead)
	default:
		gemmDot1x8F32AVX2(k, x, w, ldw, y, add, ahead)
	}
}
