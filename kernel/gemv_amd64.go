//go:build amd64 && !purego

package kernel

import "unsafe"

// gemmDot1x8F32AVX2 multiplies one row by 8 rows, each sum a chain over increasing t:
//
//	for j := range 8 { for t := range k { sum[j] = fma(x[t], w[ldw*j+t], sum[j]) } }
//
// and stores y[j] = sum[j], or y[j] + sum[j] when add is set. k is a multiple of
// 16, or of 32 for the 16-bit types. Memory is fetched the given number of bytes
// ahead; the address need not be valid.
//
//go:noescape
func gemmDot1x8F32AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

// gemmDot2x8F32AVX2 does the work of two calls of gemmDot1x8F32AVX2, on
// consecutive blocks of k = blockK elements.
//
//go:noescape
func gemmDot2x8F32AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot1x8F16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot2x8F16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

// gemmDot4x8F16AVX2 does the work of four calls of gemmDot1x8F16AVX2.
//
//go:noescape
func gemmDot4x8F16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot1x8BF16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot2x8BF16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

//go:noescape
func gemmDot4x8BF16AVX2(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int)

// dot multiplies one row by columns [j, j+nr) without packing b, and returns how
// far along k it came: it takes whole vectors of rows of b, whole cache lines and
// whole blocks. Bound by memory, the AVX2 form serves AVX-512 as well.
func (g *gemmTask) dot(s *scratch, j int) (done int) {
	if !useAVX2 && !useAVX512 || g.m != 1 || g.a.kMajor || g.b.kMajor || j+g.nr > g.n {
		return 0
	}
	if g.b.dtype.Quantised() {
		g.dotQuantised(s, j)
		return g.k
	}
	done = g.k
	if line := 64 / g.b.dtype.Size(); g.k%blockK%line != 0 {
		done = g.k / blockK * blockK
	}
	for end := j + g.nr; j < end; j += 8 {
		g.dot8(j, done)
	}
	return done
}

// dot8 multiplies one row by columns [j, j+8) over k in [0, end), as many blocks
// side by side as it can.
func (g *gemmTask) dot8(j, end int) {
	size := g.b.dtype.Size()
	for t := 0; t < end; {
		chains, kc := 1, min(blockK, end-t)
		if blocks := (end - t) / blockK; blocks >= 4 && size == 2 {
			chains = 4 // 2 KB of a row, as are two blocks of F32
		} else if blocks >= 2 {
			chains = 2
		}
		next := t + chains*kc
		ahead := chains * kc * size
		if next == end {
			ahead = (8*g.b.stride - t) * size // the beginning of the next 8 rows
		}
		dotKernel(g.b.dtype, chains, kc, &g.a.f32[t], g.b.pointer(g.b.index(j, t)), g.b.stride, &g.c[j], g.keep || t > 0, ahead)
		t = next
	}
}

func dotKernel(dtype DType, chains, k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool, ahead int) {
	type key struct {
		dtype  DType
		chains int
	}
	switch (key{dtype, chains}) {
	case key{F32, 1}:
		gemmDot1x8F32AVX2(k, x, w, ldw, y, add, ahead)
	case key{F32, 2}:
		gemmDot2x8F32AVX2(k, x, w, ldw, y, add, ahead)
	case key{F16, 1}:
		gemmDot1x8F16AVX2(k, x, w, ldw, y, add, ahead)
	case key{F16, 2}:
		gemmDot2x8F16AVX2(k, x, w, ldw, y, add, ahead)
	case key{F16, 4}:
		gemmDot4x8F16AVX2(k, x, w, ldw, y, add, ahead)
	case key{BF16, 1}:
		gemmDot1x8BF16AVX2(k, x, w, ldw, y, add, ahead)
	case key{BF16, 2}:
		gemmDot2x8BF16AVX2(k, x, w, ldw, y, add, ahead)
	case key{BF16, 4}:
		gemmDot4x8BF16AVX2(k, x, w, ldw, y, add, ahead)
	}
}
