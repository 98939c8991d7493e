//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"github.com/fovea-ml/fovea/internal/cpu"
)

// useVNNI and useAVXVNNI choose the instructions of products in 8 bits, within AVX-512
// and AVX2.
var useVNNI, useAVXVNNI = cpu.HasVNNI, cpu.HasAVXVNNI

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

// int8TileAMX is int8MicroGeneric for 16 rows, weights with signs and sums that start
// with zero; meta is that of all blocks of 4 rows, then of the next. buffer has room for eight tiles of
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
