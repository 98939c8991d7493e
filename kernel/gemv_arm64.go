//go:build arm64 && !purego

package kernel

import "unsafe"

// gemmDot1x8F32NEON multiplies one row by 8 rows, each sum a chain over increasing t:
//
//	for j := range 8 { for t := range k { sum[j] = fma(x[t], w[ldw*j+t], sum[j]) } }
//
// and stores y[j] = sum[j], or y[j] + sum[j] when add is set. k is a multiple of
// 4, or of 8 for the 16-bit types.
//
//go:noescape
func gemmDot1x8F32NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

// gemmDot2x8F32NEON does the work of two calls of gemmDot1x8F32NEON, on
// consecutive blocks of k = blockK elements.
//
//go:noescape
func gemmDot2x8F32NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

//go:noescape
func gemmDot1x8F16NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

//go:noescape
func gemmDot2x8F16NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

// gemmDot4x8F16NEON does the work of four calls of gemmDot1x8F16NEON.
//
//go:noescape
func gemmDot4x8F16NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

//go:noescape
func gemmDot1x8BF16NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

//go:noescape
func gemmDot2x8BF16NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

//go:noescape
func gemmDot4x8BF16NEON(k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool)

// dot multiplies one row by columns [j, j+nr) without packing b, and returns how
// far along k it came: it takes whole vectors of rows of b and whole blocks.
func (g *gemmTask) dot(s *scratch, j int) (done int) {
	if !useNEON || g.m != 1 || g.a.kMajor || g.b.kMajor || j+g.nr > g.n {
		return 0
	}
	if g.b.dtype.Quantised() {
		g.dotQuantised(s, j)
		return g.k
	}
	done = g.k
	if g.k%blockK%(16/g.b.dtype.Size()) != 0 {
		done = g.k / blockK * blockK
	}
	g.dot8(j, done)
	return done
}

// dot8 multiplies one row by columns [j, j+8) over k in [0, end), as many blocks
// side by side as it can.
func (g *gemmTask) dot8(j, end int) {
	for t := 0; t < end; {
		chains, kc := 1, min(blockK, end-t)
		if blocks := (end - t) / blockK; blocks >= 4 && g.b.dtype != F32 {
			chains = 4
		} else if blocks >= 2 {
			chains = 2
		}
		dotKernel(g.b.dtype, chains, kc, &g.a.f32[t], g.b.pointer(g.b.index(j, t)), g.b.stride, &g.c[j], g.keep || t > 0)
		t += chains * kc
	}
}

func dotKernel(dtype DType, chains, k int, x *float32, w unsafe.Pointer, ldw int, y *float32, add bool) {
	type key struct {
		dtype  DType
		chains int
	}
	switch (key{dtype, chains}) {
	case key{F32, 1}:
		gemmDot1x8F32NEON(k, x, w, ldw, y, add)
	case key{F32, 2}:
		gemmDot2x8F32NEON(k, x, w, ldw, y, add)
	case key{F16, 1}:
		gemmDot1x8F16NEON(k, x, w, ldw, y, add)
	case key{F16, 2}:
		gemmDot2x8F16NEON(k, x, w, ldw, y, add)
	case key{F16, 4}:
		gemmDot4x8F16NEON(k, x, w, ldw, y, add)
	case key{BF16, 1}:
		gemmDot1x8BF16NEON(k, x, w, ldw, y, add)
	case key{BF16, 2}:
		gemmDot2x8BF16NEON(k, x, w, ldw, y, add)
	case key{BF16, 4}:
		gemmDot4x8BF16NEON(k, x, w, ldw, y, add)
	}
}
