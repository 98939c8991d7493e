//go:build amd64 && !purego

package kernel

import "unsafe"

// A tileConfig is the operand of LDTILECFG: rows and bytes to a row of each tile.
type tileConfig struct {
	palette  byte
	_        [15]byte
	colBytes [16]uint16
	rows     [16]byte
}

// fullTiles are 8 tiles of 16 rows by 64 bytes; vectorTiles have one column in
// sums (0 and 1) and columns (6).
var (
	fullTiles   = newTileConfig(0xff)
	vectorTiles = newTileConfig(0xff &^ (1<<0 | 1<<1 | 1<<6))
)

// newTileConfig makes the tiles whose bits are set 64 bytes wide, and 4 the others.
func newTileConfig(wide int) *tileConfig {
	c := &tileConfig{palette: 1}
	for i := range 8 {
		c.colBytes[i], c.rows[i] = 4, 16
		if wide>>i&1 == 1 {
			c.colBytes[i] = 64
		}
	}
	return c
}

// tileProductAMX is tileProductGeneric.
//
//go:noescape
func tileProductAMX(config *tileConfig, call *tileCall)

// tileVectorAMX is tileVectorGeneric.
//
//go:noescape
func tileVectorAMX(config *tileConfig, call *tileCall)

// tileAlongF32AMX packs vectors that lie along k, with zeros up to a whole tile:
//
//	for i := range count { for j := range k {
//		dst[dstStep*(j/32)+64*i+2*(j%32):] = bfloat16(src[lds*i+4*j:]) } }
//
//go:noescape
func tileAlongF32AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, k int)

//go:noescape
func tileAlongF16AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, k int)

//go:noescape
func tileAlongBF16AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, k int)

// tileAcrossF32AMX packs vectors that lie across k, with zeros up to whole tiles:
//
//	for i := range cols { for j := range rows {
//		dst[panel*(i/32)+1024*(i%32/16)+dstStep*(j/32)+64*(j%32/2)+4*(i%16)+2*(j%2):] = bfloat16(src[lds*j+4*i:]) } }
//
//go:noescape
func tileAcrossF32AMX(dst *byte, dstStep, panel int, src unsafe.Pointer, lds, rows, cols int)

//go:noescape
func tileAcrossF16AMX(dst *byte, dstStep, panel int, src unsafe.Pointer, lds, rows, cols int)

//go:noescape
func tileAcrossBF16AMX(dst *byte, dstStep, panel int, src unsafe.Pointer, lds, rows, cols int)

// tileTransposeAMX transposes tiles that are step bytes apart, as 16 by 16 units of 32 bits.
//
//go:noescape
func tileTransposeAMX(tiles *byte, step, count int)

// tileWeighAMX is tileWeighGeneric.
//
//go:noescape
func tileWeighAMX(call *weighCall)

// tileOutAVX512 is tileOutGeneric.
//
//go:noescape
func tileOutAVX512(c *float32, ldc int, tile *float32, rows, cols int, add bool, bias *float32)

// tileFlippedAVX512 is tileFlippedGeneric.
//
//go:noescape
func tileFlippedAVX512(c *float32, ldc int, tiles *float32, panel, rows, cols, mode int, bias *float32)

// tileLinesAVX512 is tileLinesGeneric.
//
//go:noescape
func tileLinesAVX512(c *float32, ldc int, tiles *float32, cols, mode int, bias *float32)

// tileBiasAVX512 is tileBiasGeneric, for groups of 32 lines.
//
//go:noescape
func tileBiasAVX512(sums, bias *float32, groups int)

func tileProduct(call *tileCall) {
	if useAMX {
		tileProductAMX(fullTiles, call)
		return
	}
	tileProductGeneric(call)
}

func tileVector(call *tileCall) {
	if useAMX {
		tileVectorAMX(vectorTiles, call)
		return
	}
	tileVectorGeneric(call)
}

func tileWeigh(call *weighCall) {
	if useAMX {
		tileWeighAMX(call)
		return
	}
	tileWeighGeneric(call)
}

// packAlong is packAlongGeneric.
func packAlong(dst []byte, step int, x *operand, o, count, t, length int) {
	if !useAMX {
		packAlongGeneric(dst, step, x, o, count, t, length)
		return
	}
	src := x.pointer(x.index(o, t))
	switch x.dtype {
	case F32:
		tileAlongF32AMX(&dst[0], step, src, 4*x.stride, count, length)
	case F16:
		tileAlongF16AMX(&dst[0], step, src, 2*x.stride, count, length)
	default:
		tileAlongBF16AMX(&dst[0], step, src, 2*x.stride, count, length)
	}
}

// packAcross is packAcrossGeneric.
func packAcross(dst []byte, panel int, x *operand, o, count, t, length int) {
	if !useAMX {
		packAcrossGeneric(dst, panel, x, o, count, t, length)
		return
	}
	src := x.pointer(x.index(o, t))
	switch x.dtype {
	case F32:
		tileAcrossF32AMX(&dst[0], panelBytes, panel, src, 4*x.stride, length, count)
	case F16:
		tileAcrossF16AMX(&dst[0], panelBytes, panel, src, 2*x.stride, length, count)
	default:
		tileAcrossBF16AMX(&dst[0], panelBytes, panel, src, 2*x.stride, length, count)
	}
}

// transposeTiles is transposeTilesGeneric.
func transposeTiles(dst []byte, step, count int) {
	if !useAMX {
		transposeTilesGeneric(dst, step, count)
		return
	}
	tileTransposeAMX(&dst[0], step, count)
}

// tileOut is tileOutGeneric.
func tileOut(c []float32, ldc int, tile []float32, rows, cols int, add bool, bias *float32) {
	if !useAVX512 {
		tileOutGeneric(c, ldc, tile, rows, cols, add, bias)
		return
	}
	tileOutAVX512(&c[0], ldc, &tile[0], rows, cols, add, bias)
}

// tileFlipped is tileFlippedGeneric.
func tileFlipped(c []float32, ldc int, tiles []float32, panel, rows, cols, mode int, bias *float32) {
	if !useAVX512 {
		tileFlippedGeneric(c, ldc, tiles, panel, rows, cols, mode, bias)
		return
	}
	tileFlippedAVX512(&c[0], ldc, &tiles[0], 4*panel, rows, cols, streamed(mode, c, ldc), bias)
}

// tileLines is tileLinesGeneric.
func tileLines(c []float32, ldc int, tiles []float32, cols, mode int, bias *float32) {
	if !useAVX512 {
		tileLinesGeneric(c, ldc, tiles, cols, mode, bias)
		return
	}
	tileLinesAVX512(&c[0], ldc, &tiles[0], cols, streamed(mode, c, ldc), bias)
}

// streamed is a mode that fits c: only whole lines of a cache can be written around it.
func streamed(mode int, c []float32, ldc int) int {
	if mode == putStream && (uintptr(unsafe.Pointer(&c[0]))|uintptr(4*ldc))%64 != 0 {
		return putStore
	}
	return mode
}

// tileBias is tileBiasGeneric.
func tileBias(sums, bias []float32) {
	if !useAVX512 {
		tileBiasGeneric(sums, bias)
		return
	}
	tileBiasAVX512(&sums[0], &bias[0], len(sums)/(2*tileSums))
}
