//go:build arm64 && !purego

package kernel

import "unsafe"

// gemmMicroNEON multiplies k-major panels of 12 rows and 8 columns:
//
//	for t := range kc { for i := range rows { for j := range 8 {
//		sum[i][j] = fma(a[12*t+i], b[ldb*t+j], sum[i][j]) } } }
//
// and stores c[ldc*i+j] = sum[i][j], or c[ldc*i+j] + sum[i][j] when add is set.
//
//go:noescape
func gemmMicroNEON(kc int, a, b *float32, ldb int, c *float32, ldc, rows int, add bool)

// gemmPackRowsF32NEON transposes up to 4 rows:
//
//	for t := range k { for i := range 4 { dst[ldd*t+i] = src[lds*min(i, count-1)+t] } }
//
// with k a multiple of 4, or of 8 for the 16-bit types.
//
//go:noescape
func gemmPackRowsF32NEON(dst *float32, ldd int, src unsafe.Pointer, lds, count, k int)

//go:noescape
func gemmPackRowsF16NEON(dst *float32, ldd int, src unsafe.Pointer, lds, count, k int)

//go:noescape
func gemmPackRowsBF16NEON(dst *float32, ldd int, src unsafe.Pointer, lds, count, k int)

// gemmPackColsF32NEON copies k rows of 1 to 3 groups of 4 elements:
//
//	for t := range k { for i := range 4*groups { dst[ldd*t+i] = src[lds*t+i] } }
//
//go:noescape
func gemmPackColsF32NEON(dst *float32, ldd int, src unsafe.Pointer, lds, groups, k int)

//go:noescape
func gemmPackColsF16NEON(dst *float32, ldd int, src unsafe.Pointer, lds, groups, k int)

//go:noescape
func gemmPackColsBF16NEON(dst *float32, ldd int, src unsafe.Pointer, lds, groups, k int)

func microTile() (mr, nr int) {
	if useNEON {
		return 12, 8
	}
	return genericTile, genericTile
}

// microKernel multiplies a panel of a by one of b, whose rows are ldb apart,
// into the first rows of a full-width tile of c.
func microKernel(kc int, a, b []float32, ldb int, c []float32, ldc, rows int, add bool) {
	if useNEON {
		gemmMicroNEON(kc, &a[0], &b[0], ldb, &c[0], ldc, rows, add)
		return
	}
	microGeneric(kc, a, b, ldb, c, ldc, rows, add)
}

// packPanel copies outer vectors [o, o+count) over k in [t, t+length) into a
// k-major panel: element (o+i, t+j) to dst[j*width+i]. Columns from count on
// have unspecified values, which only reach sums that nobody stores.
func packPanel(dst []float32, width int, x *operand, o, count, t, length int) {
	switch {
	case !useNEON:
		packGeneric(dst, width, x, o, count, t, length)
	case x.kMajor:
		packCols(dst, width, x, o, count, t, length)
	default:
		packRows(dst, width, x, o, count, t, length)
	}
}

func packRows(dst []float32, width int, x *operand, o, count, t, length int) {
	step := 4
	if x.dtype != F32 {
		step = 8
	}
	whole := length / step * step
	if whole > 0 {
		for i := 0; i < count; i += 4 {
			packRowsKernel(x.dtype, &dst[i], width, x.pointer(x.index(o+i, t)), x.stride, min(4, count-i), whole)
		}
	}
	if whole < length {
		packGeneric(dst[whole*width:], width, x, o, count, t+whole, length-whole)
	}
}

func packRowsKernel(dtype DType, dst *float32, ldd int, src unsafe.Pointer, lds, count, k int) {
	switch dtype {
	case F32:
		gemmPackRowsF32NEON(dst, ldd, src, lds, count, k)
	case F16:
		gemmPackRowsF16NEON(dst, ldd, src, lds, count, k)
	default:
		gemmPackRowsBF16NEON(dst, ldd, src, lds, count, k)
	}
}

func packCols(dst []float32, width int, x *operand, o, count, t, length int) {
	groups := count / 4
	if groups > 0 {
		packColsKernel(x.dtype, &dst[0], width, x.pointer(x.index(o, t)), x.stride, groups, length)
	}
	if 4*groups < count {
		packGeneric(dst[4*groups:], width, x, o+4*groups, count-4*groups, t, length)
	}
}

func packColsKernel(dtype DType, dst *float32, ldd int, src unsafe.Pointer, lds, groups, k int) {
	switch dtype {
	case F32:
		gemmPackColsF32NEON(dst, ldd, src, lds, groups, k)
	case F16:
		gemmPackColsF16NEON(dst, ldd, src, lds, groups, k)
	default:
		gemmPackColsBF16NEON(dst, ldd, src, lds, groups, k)
	}
}
