//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"github.com/fovea-ml/fovea/internal/cpu"
)

// useVNNI reports whether the kernels of 8 bits run; they belong to AVX-512.
func useVNNI() bool { return useAVX512 && cpu.HasVNNI }

// int8RoundAVX2 is int8RoundGeneric for pointers to the row's first elements and sum; step
// is in bytes.
//
//go:noescape
func int8RoundAVX2(q *int8Input, step int, sums *int32, x *float32, blocks int)

func int8Round(q []int8Input, step int, meta []int8Meta, row int, x []float32) {
	if len(x) > 0 && (useAVX2 || useAVX512) {
		int8RoundAVX2(&q[0], step*int8Block, &meta[0].start[0][row], &x[0], len(x)/int8Block)
		return
	}
	int8RoundGeneric(q, step, meta, row, x)
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

// int8Micro1AVX512 is int8MicroGeneric for one row, one panel and one scale to a block;
// the others are for more rows, for 4 rows by two panels, for two scales, or a minimum.
//
//go:noescape
func int8Micro1AVX512(call *int8Call)

//go:noescape
func int8Micro2AVX512(call *int8Call)

//go:noescape
func int8Micro4AVX512(call *int8Call)

//go:noescape
func int8MicroWideAVX512(call *int8Call)

//go:noescape
func int8MicroPairs1AVX512(call *int8Call)

//go:noescape
func int8MicroPairs2AVX512(call *int8Call)

//go:noescape
func int8MicroPairs4AVX512(call *int8Call)

//go:noescape
func int8MicroPairsWideAVX512(call *int8Call)

//go:noescape
func int8MicroMinima1AVX512(call *int8Call)

//go:noescape
func int8MicroMinima2AVX512(call *int8Call)

//go:noescape
func int8MicroMinima4AVX512(call *int8Call)

//go:noescape
func int8MicroMinimaWideAVX512(call *int8Call)

// int8Micro multiplies up to 4 rows; those behind the last one, up to a power of two, or
// to 4 if there are two panels, may have any values.
func int8Micro(kind int8Kind, call *int8Call, rows int) {
	if !useVNNI() {
		int8MicroGeneric(kind, call, rows)
		return
	}
	if len(call.panels[0]) == 0 {
		return
	}
	switch {
	case kind.pairs:
		int8MicroPairs(call, rows)
	case kind.minima:
		int8MicroMinima(call, rows)
	default:
		int8MicroPlain(call, rows)
	}
}

// int8TileAMX is int8MicroGeneric for 16 rows, weights with signs and sums that start
// with zero; meta is that of all blocks of 4 rows, then of the next. buffer has room for two tiles of
// integers for each scale of a block. The others are for two scales, or a minimum.
//
//go:noescape
func int8TileAMX(config *tileConfig, weights *byte, x *int8Input, meta *int8Meta, blocks int, sums *int8Line, buffer *int32)

//go:noescape
func int8TilePairsAMX(config *tileConfig, weights *byte, x *int8Input, meta *int8Meta, blocks int, sums *int8Line, buffer *int32)

//go:noescape
func int8TileMinimaAMX(config *tileConfig, weights *byte, x *int8Input, meta *int8Meta, blocks int, sums *int8Line, buffer *int32)

// int8Tiles multiply 16 rows of 32 bytes (4) by 8 fours of 16 columns (6); pairTiles half
// of that twice (4 and 6, 5 and 7).
var (
	int8Tiles = &tileConfig{palette: 1, colBytes: [16]uint16{64, 64, 64, 64, 32, 32, 64, 64}, rows: [16]byte{16, 16, 16, 16, 16, 16, 8, 8}}
	pairTiles = &tileConfig{palette: 1, colBytes: [16]uint16{64, 64, 64, 64, 16, 16, 64, 64}, rows: [16]byte{16, 16, 16, 16, 16, 16, 4, 4}}
)

// int8Tile multiplies 16 rows by the matrix unit.
func int8Tile(kind int8Kind, weights []int8Weights, x []int8Input, meta []int8Meta, sums []int8Line, buffer []float32) {
	w, b, blocks := (*byte)(unsafe.Pointer(&weights[0])), (*int32)(unsafe.Pointer(&buffer[0])), len(weights)
	switch {
	case kind.pairs:
		int8TilePairsAMX(pairTiles, w, &x[0], &meta[0], blocks, &sums[0], b)
	case kind.minima:
		int8TileMinimaAMX(int8Tiles, w, &x[0], &meta[0], blocks, &sums[0], b)
	default:
		int8TileAMX(int8Tiles, w, &x[0], &meta[0], blocks, &sums[0], b)
	}
}

func int8MicroPlain(call *int8Call, rows int) {
	switch {
	case len(call.panels[1]) > 0:
		int8MicroWideAVX512(call)
	case rows == 1:
		int8Micro1AVX512(call)
	case rows == 2:
		int8Micro2AVX512(call)
	default:
		int8Micro4AVX512(call)
	}
}

func int8MicroPairs(call *int8Call, rows int) {
	switch {
	case len(call.panels[1]) > 0:
		int8MicroPairsWideAVX512(call)
	case rows == 1:
		int8MicroPairs1AVX512(call)
	case rows == 2:
		int8MicroPairs2AVX512(call)
	default:
		int8MicroPairs4AVX512(call)
	}
}

func int8MicroMinima(call *int8Call, rows int) {
	switch {
	case len(call.panels[1]) > 0:
		int8MicroMinimaWideAVX512(call)
	case rows == 1:
		int8MicroMinima1AVX512(call)
	case rows == 2:
		int8MicroMinima2AVX512(call)
	default:
		int8MicroMinima4AVX512(call)
	}
}
