//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"github.com/fovea-ml/fovea/internal/cpu"
)

// useVNNI reports whether the kernels of 8 bits run; they belong to AVX-512.
func useVNNI() bool { return useAVX512 && cpu.HasVNNI }

// int8RoundAVX512 is int8RoundGeneric for pointers to the row's first elements, scale and
// sum; the latter are step bytes apart.
//
//go:noescape
func int8RoundAVX512(q *int8, scales *float32, sums *int32, step int, x *float32, blocks int)

func int8Round(q []int8Inputs, meta []int8Meta, row int, x []float32) {
	if len(x) == 0 {
		return
	}
	if useVNNI() {
		m := &meta[0]
		int8RoundAVX512(&q[0][row][0], &m.scale[row%int8Rows], &m.start[0][row%int8Rows], int8MetaBytes, &x[0], len(x)/int8Block)
		return
	}
	int8RoundGeneric(q, meta, row, x)
}

// int8PackQ8_0AVX512 is int8PackGeneric; it fetches memory the given number of bytes
// ahead, whose address need not be valid. blocks are those of the dtype.
//
//go:noescape
func int8PackQ8_0AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_0AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ6_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

func int8Pack(dst []int8Weights, src []byte, row int, d DType, ahead int, signed bool) {
	if !useVNNI() {
		int8PackGeneric(dst, src, row, d, signed)
		return
	}
	kind, _ := int8KindOf(d)
	zero := kind.offset(d, signed)
	elements, _ := d.Block()
	to, blocks := (*byte)(unsafe.Pointer(&dst[0])), len(dst)*int8Block/elements
	switch d {
	case Q8_0:
		int8PackQ8_0AVX512(to, &src[0], row, blocks, ahead, zero)
	case Q4_0:
		int8PackQ4_0AVX512(to, &src[0], row, blocks, ahead, zero)
	case Q4_K:
		int8PackQ4_KAVX512(to, &src[0], row, blocks, ahead, zero)
	case Q5_K:
		int8PackQ5_KAVX512(to, &src[0], row, blocks, ahead, zero)
	case Q6_K:
		int8PackQ6_KAVX512(to, &src[0], row, blocks, ahead, zero)
	}
}

// int8Micro1AVX512 is int8MicroGeneric for one row and one scale to a block; the
// others are for more rows, two scales, or a minimum.
//
//go:noescape
func int8Micro1AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8Micro2AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8Micro4AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8Micro8AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs1AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs2AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs4AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroPairs8AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima1AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima2AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima4AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

//go:noescape
func int8MicroMinima8AVX512(weights *byte, x *int8, meta *byte, blocks int, sums *float32)

// int8Micro multiplies up to 8 rows from first on; those behind the last one, up to a
// power of two, may have any values.
func int8Micro(kind int8Kind, weights []int8Weights, x []int8Inputs, first int, meta []int8Meta, rows int, sums *int8Sums) {
	if !useVNNI() {
		int8MicroGeneric(kind, weights, x, first, meta, rows, sums)
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
	q := &x[0][first][0]
	switch {
	case kind.pairs:
		int8MicroPairs(size, w, q, m, len(weights), s)
	case kind.minima:
		int8MicroMinima(size, w, q, m, len(weights), s)
	default:
		int8MicroPlain(size, w, q, m, len(weights), s)
	}
}

// int8TileAMX is int8MicroGeneric for 16 rows, weights with signs and sums that start
// with zero; next is the meta of the last 8 rows, buffer has room for two tiles of
// integers for each scale of a block. The others are for two scales, or a minimum.
//
//go:noescape
func int8TileAMX(config *tileConfig, weights *byte, x *int8, meta, next *byte, blocks int, sums *float32, buffer *int32)

//go:noescape
func int8TilePairsAMX(config *tileConfig, weights *byte, x *int8, meta, next *byte, blocks int, sums *float32, buffer *int32)

//go:noescape
func int8TileMinimaAMX(config *tileConfig, weights *byte, x *int8, meta, next *byte, blocks int, sums *float32, buffer *int32)

// int8Tiles multiply 16 rows of 32 bytes (4) by 8 fours of 16 columns (6); pairTiles half
// of that twice (4 and 6, 5 and 7).
var (
	int8Tiles = &tileConfig{palette: 1, colBytes: [16]uint16{64, 64, 64, 64, 32, 32, 64, 64}, rows: [16]byte{16, 16, 16, 16, 16, 16, 8, 8}}
	pairTiles = &tileConfig{palette: 1, colBytes: [16]uint16{64, 64, 64, 64, 16, 16, 64, 64}, rows: [16]byte{16, 16, 16, 16, 16, 16, 4, 4}}
)

// int8Tile multiplies 16 rows by the matrix unit.
func int8Tile(kind int8Kind, weights []int8Weights, x []int8Inputs, meta []int8Meta, blocks int, sums *int8Sums, buffer []float32) {
	w, q, s, b := (*byte)(unsafe.Pointer(&weights[0])), &x[0][0][0], &sums[0][0], (*int32)(unsafe.Pointer(&buffer[0]))
	m, next := (*byte)(unsafe.Pointer(&meta[0])), (*byte)(unsafe.Pointer(&meta[blocks]))
	switch {
	case kind.pairs:
		int8TilePairsAMX(pairTiles, w, q, m, next, blocks, s, b)
	case kind.minima:
		int8TileMinimaAMX(int8Tiles, w, q, m, next, blocks, s, b)
	default:
		int8TileAMX(int8Tiles, w, q, m, next, blocks, s, b)
	}
}

func int8MicroPlain(size int, weights *byte, x *int8, meta *byte, blocks int, sums *float32) {
	switch size {
	case 0:
		int8Micro1AVX512(weights, x, meta, blocks, sums)
	case 1:
		int8Micro2AVX512(weights, x, meta, blocks, sums)
	case 2:
		int8Micro4AVX512(weights, x, meta, blocks, sums)
	default:
		int8Micro8AVX512(weights, x, meta, blocks, sums)
	}
}

func int8MicroPairs(size int, weights *byte, x *int8, meta *byte, blocks int, sums *float32) {
	switch size {
	case 0:
		int8MicroPairs1AVX512(weights, x, meta, blocks, sums)
	case 1:
		int8MicroPairs2AVX512(weights, x, meta, blocks, sums)
	case 2:
		int8MicroPairs4AVX512(weights, x, meta, blocks, sums)
	default:
		int8MicroPairs8AVX512(weights, x, meta, blocks, sums)
	}
}

func int8MicroMinima(size int, weights *byte, x *int8, meta *byte, blocks int, sums *float32) {
	switch size {
	case 0:
		int8MicroMinima1AVX512(weights, x, meta, blocks, sums)
	case 1:
		int8MicroMinima2AVX512(weights, x, meta, blocks, sums)
	case 2:
		int8MicroMinima4AVX512(weights, x, meta, blocks, sums)
	default:
		int8MicroMinima8AVX512(weights, x, meta, blocks, sums)
	}
}
