//go:build amd64 && !purego

package kernel

import "unsafe"

// gemmMicroAVX2 multiplies k-major panels of 6 rows and 16 columns:
//
//	for t := range kc { for i := range rows { for j := range 16 {
//		sum[i][j] = fma(a[6*t+i], b[ldb*t+j], sum[i][j]) } } }
//
// and stores c[ldc*i+j] = sum[i][j], or c[ldc*i+j] + sum[i][j] when add is set.
//
//go:noescape
func gemmMicroAVX2(kc int, a, b *float32, ldb int, c *float32, ldc, rows int, add bool)

// gemmMicroAVX512 is gemmMicroAVX2 for panels of 12 rows and 32 columns.
//
//go:noescape
func gemmMicroAVX512(kc int, a, b *float32, ldb int, c *float32, ldc, rows int, add bool)

// gemmPackRowsF32AVX2 transposes up to 8 rows:
//
//	for t := range k { for i := range lanes { dst[ldd*t+i] = src[lds*min(i, count-1)+t] } }
//
// with lanes 8 or 6 and k a multiple of 8, or of 16 for the 16-bit types.
//
//go:noescape
func gemmPackRowsF32AVX2(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackRowsF16AVX2(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackRowsBF16AVX2(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

// gemmPackRowsF32AVX512 is gemmPackRowsF32AVX2 for any lanes up to 8.
//
//go:noescape
func gemmPackRowsF32AVX512(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackRowsF16AVX512(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackRowsBF16AVX512(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

// gemmPackColsF32AVX2 copies k rows of up to 8 elements:
//
//	for t := range k { for i := range lanes { dst[ldd*t+i] = src[lds*t+i], or 0 from count on } }
//
// with lanes 8 or 6; of the 16-bit types it takes only 8 of 8.
//
//go:noescape
func gemmPackColsF32AVX2(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackColsF16AVX2(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackColsBF16AVX2(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

// gemmPackColsF32AVX512 is gemmPackColsF32AVX2 for any count and lanes up to 16.
//
//go:noescape
func gemmPackColsF32AVX512(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackColsF16AVX512(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

//go:noescape
func gemmPackColsBF16AVX512(dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int)

func microTile() (mr, nr int) {
	switch {
	case useAVX512:
		return 12, 32
	case useAVX2:
		return 6, 16
	}
	return genericTile, genericTile
}

// microKernel multiplies a panel of a by one of b, whose rows are ldb apart,
// into the first rows of a full-width tile of c.
func microKernel(kc int, a, b []float32, ldb int, c []float32, ldc, rows int, add bool) {
	switch {
	case useAVX512:
		gemmMicroAVX512(kc, &a[0], &b[0], ldb, &c[0], ldc, rows, add)
	case useAVX2:
		gemmMicroAVX2(kc, &a[0], &b[0], ldb, &c[0], ldc, rows, add)
	default:
		microGeneric(kc, a, b, ldb, c, ldc, rows, add)
	}
}

// packPanel copies outer vectors [o, o+count) over k in [t, t+length) into a
// k-major panel: element (o+i, t+j) to dst[j*width+i]. Columns from count on
// have unspecified values, which only reach sums that nobody stores.
func packPanel(dst []float32, width int, x *operand, o, count, t, length int) {
	switch {
	case !useAVX512 && !useAVX2:
		packGeneric(dst, width, x, o, count, t, length)
	case x.kMajor:
		packCols(dst, width, x, o, count, t, length)
	default:
		packRows(dst, width, x, o, count, t, length)
	}
}

func packRows(dst []float32, width int, x *operand, o, count, t, length int) {
	step := 8
	if x.dtype != F32 {
		step = 16
	}
	whole := length / step * step
	if whole > 0 {
		for i := 0; i < count; i += 8 {
			src := x.pointer(x.index(o+i, t))
			packRowsKernel(x.dtype, &dst[i], width, src, x.stride, min(8, count-i), min(8, width-i), whole)
		}
	}
	if whole < length {
		packGeneric(dst[whole*width:], width, x, o, count, t+whole, length-whole)
	}
}

func packRowsKernel(dtype DType, dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int) {
	switch {
	case useAVX512 && dtype == F32:
		gemmPackRowsF32AVX512(dst, ldd, src, lds, count, lanes, k)
	case useAVX512 && dtype == F16:
		gemmPackRowsF16AVX512(dst, ldd, src, lds, count, lanes, k)
	case useAVX512:
		gemmPackRowsBF16AVX512(dst, ldd, src, lds, count, lanes, k)
	case dtype == F32:
		gemmPackRowsF32AVX2(dst, ldd, src, lds, count, lanes, k)
	case dtype == F16:
		gemmPackRowsF16AVX2(dst, ldd, src, lds, count, lanes, k)
	default:
		gemmPackRowsBF16AVX2(dst, ldd, src, lds, count, lanes, k)
	}
}

func packCols(dst []float32, width int, x *operand, o, count, t, length int) {
	lanes := 8
	if useAVX512 {
		lanes = 16
	}
	for i := 0; i < count; i += lanes {
		n, w := min(lanes, count-i), min(lanes, width-i)
		if n < 8 && x.dtype != F32 && !useAVX512 {
			packGeneric(dst[i:], width, x, o+i, n, t, length)
			continue
		}
		packColsKernel(x.dtype, &dst[i], width, x.pointer(x.index(o+i, t)), x.stride, n, w, length)
	}
}

func packColsKernel(dtype DType, dst *float32, ldd int, src unsafe.Pointer, lds, count, lanes, k int) {
	switch {
	case useAVX512 && dtype == F32:
		gemmPackColsF32AVX512(dst, ldd, src, lds, count, lanes, k)
	case useAVX512 && dtype == F16:
		gemmPackColsF16AVX512(dst, ldd, src, lds, count, lanes, k)
	case useAVX512:
		gemmPackColsBF16AVX512(dst, ldd, src, lds, count, lanes, k)
	case dtype == F32:
		gemmPackColsF32AVX2(dst, ldd, src, lds, count, lanes, k)
	case dtype == F16:
		gemmPackColsF16AVX2(dst, ldd, src, lds, count, lanes, k)
	default:
		gemmPackColsBF16AVX2(dst, ldd, src, lds, count, lanes, k)
	}
}
