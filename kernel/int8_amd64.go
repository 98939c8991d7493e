//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"github.com/fovea-ml/fovea/internal/cpu"
)

// useVNNI reports whether the kernels of 8 bits run; they belong to AVX-512.
func useVNNI() bool { return useAVX512 && cpu.HasVNNI }

// int8RoundAVX512 is int8RoundGeneric for pointers to the row's first scale and sum, which are step bytes apart.
//
//go:noescape
func int8RoundAVX512(q *int8, scales *float32, sums *int32, step int, x *float32, blocks int)

func int8Round(q []int8, meta []int8Meta, row int, x []float32) {
	if len(x) == 0 {
		return
	}
	if useVNNI() {
		m := &meta[0]
		int8RoundAVX512(&q[0], &m.scale[row], &m.start[0][row], int8MetaBytes, &x[0], len(x)/int8Block)
		return
	}
	int8RoundGeneric(q, meta, row, x)
}

// int8PackQ8_0AVX512 is int8PackGeneric; it fetches memory the given number of bytes
// ahead, whose address need not be valid. blocks are those of the dtype.
//
//go:noescape
func int8PackQ8_0AVX512(dst, src *byte, row, blocks, ahead int)

//go:noescape
func int8PackQ4_0AVX512(dst, src *byte, row, blocks, ahead int)

//go:noescape
func int8PackQ4_KAVX512(dst, src *byte, row, blocks, ahead int)

//go:noescape
func int8PackQ5_KAVX512(dst, src *byte, row, blocks, ahead int)

//go:noescape
func int8PackQ6_KAVX512(dst, src *byte, row, blocks, ahead int)

func int8Pack(dst []int8Weights, src []byte, row int, d DType, ahead int) {
	if !useVNNI() {
		int8PackGeneric(dst, src, row, d)
		return
	}
	elements, _ := d.Block()
	to, blocks := (*byte)(unsafe.Pointer(&dst[0])), len(dst)*int8Block/elements
	switch d {
	case Q8_0:
		int8PackQ8_0AVX512(to, &src[0], row, blocks, ahead)
	case Q4_0:
		int8PackQ4_0AVX512(to, &src[0], row, blocks, ahead)
	case Q4_K:
		int8PackQ4_KAVX512(to, &src[0], row, blocks, ahead)
	case Q5_K:
		int8PackQ5_KAVX512(to, &src[0], row, blocks, ahead)
	case Q6_K:
		int8PackQ6_KAVX512(to, &src[0], row, blocks, ahead)
	}
}

// int8Micro1AVX512 is int8MicroGeneric for one row and one scale to a block; the
// others are for more rows, two scales, or a minimum.
//
//go:noescape
func int8Micro1AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8Micro2AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8Micro4AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8Micro8AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs1AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs2AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs4AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs8AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima1AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima2AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima4AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima8AVX512(weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32)

// int8Micro multiplies up to 8 rows; those behind the last one, up to a power of two,
// may have any values.
func int8Micro(kind int8Kind, weights []int8Weights, x []int8, ldx int, meta []int8Meta, rows int, sums *[int8Rows][int8Columns]float32) {
	if !useVNNI() {
		int8MicroGeneric(kind, weights, x, ldx, meta, rows, sums)
		return
	}
	if len(weights) == 0 {
		return
	}
	size := 0 // the power of two
	for 1<<size < rows {
		size++
	}
	w, m, s := (*byte)(unsafe.Pointer(&weights[0])), (*byte)(unsafe.Pointer(&meta[0])), &sums[0][0]
	switch {
	case kind.pairs:
		int8MicroPairs(size, w, &x[0], ldx, m, len(weights), s)
	case kind.minima:
		int8MicroMinima(size, w, &x[0], ldx, m, len(weights), s)
	default:
		int8MicroPlain(size, w, &x[0], ldx, m, len(weights), s)
	}
}

func int8MicroPlain(size int, weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32) {
	switch size {
	case 0:
		int8Micro1AVX512(weights, x, ldx, meta, blocks, sums)
	case 1:
		int8Micro2AVX512(weights, x, ldx, meta, blocks, sums)
	case 2:
		int8Micro4AVX512(weights, x, ldx, meta, blocks, sums)
	default:
		int8Micro8AVX512(weights, x, ldx, meta, blocks, sums)
	}
}

func int8MicroPairs(size int, weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32) {
	switch size {
	case 0:
		int8MicroPairs1AVX512(weights, x, ldx, meta, blocks, sums)
	case 1:
		int8MicroPairs2AVX512(weights, x, ldx, meta, blocks, sums)
	case 2:
		int8MicroPairs4AVX512(weights, x, ldx, meta, blocks, sums)
	default:
		int8MicroPairs8AVX512(weights, x, ldx, meta, blocks, sums)
	}
}

func int8MicroMinima(size int, weights *byte, x *int8, ldx int, meta *byte, blocks int, sums *float32) {
	switch size {
	case 0:
		int8MicroMinima1AVX512(weights, x, ldx, meta, blocks, sums)
	case 1:
		int8MicroMinima2AVX512(weights, x, ldx, meta, blocks, sums)
	case 2:
		int8MicroMinima4AVX512(weights, x, ldx, meta, blocks, sums)
	default:
		int8MicroMinima8AVX512(weights, x, ldx, meta, blocks, sums)
	}
}
