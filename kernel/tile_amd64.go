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

// tileRowsF32AMX packs vectors that lie along k:
//
//	for i := range count { for j := range 32 * steps {
//		dst[dstStep*(j/32)+64*i+2*(j%32):] = bfloat16(src[lds*i+4*j:]) } }
//
//go:noescape
func tileRowsF32AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)

//go:noescape
func tileRowsF16AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)

//go:noescape
func tileRowsBF16AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)

// tileColsF32AMX packs vectors that lie across k:
//
//	for i := range count { for j := range 32 * steps {
//		dst[dstStep*(j/32)+64*(j%32/2)+4*i+2*(j%2):] = bfloat16(src[lds*j+4*i:]) } }
//
// and sets the other pairs of each line to zero.
//
//go:noescape
func tileColsF32AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)

//go:noescape
func tileColsF16AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)

//go:noescape
func tileColsBF16AMX(dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int)

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

// tileOutTransposedAVX512 is tileOutGeneric, transposed.
//
//go:noescape
func tileOutTransposedAVX512(c *float32, ldc int, tile *float32, rows, cols int, add bool, bias *float32)

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

// packTiles is packTilesGeneric.
func packTiles(dst []byte, step int, x *operand, o, count, t, length int, rows bool) {
	whole := length / tileDepth
	if !useAMX {
		whole = 0
	}
	if whole > 0 {
		lds := 2 * x.stride
		if x.dtype == F32 {
			lds *= 2
		}
		packTilesAMX(x.dtype, x.kMajor, &dst[0], step, x.pointer(x.index(o, t)), lds, count, whole)
		if rows == x.kMajor {
			tileTransposeAMX(&dst[0], step, whole)
		}
	}
	if rest := length - whole*tileDepth; rest > 0 {
		packTilesGeneric(dst[whole*step:], step, x, o, count, t+whole*tileDepth, rest, rows)
	}
}

func packTilesAMX(dtype DType, kMajor bool, dst *byte, dstStep int, src unsafe.Pointer, lds, count, steps int) {
	switch {
	case kMajor && dtype == F32:
		tileColsF32AMX(dst, dstStep, src, lds, count, steps)
	case kMajor && dtype == F16:
		tileColsF16AMX(dst, dstStep, src, lds, count, steps)
	case kMajor:
		tileColsBF16AMX(dst, dstStep, src, lds, count, steps)
	case dtype == F32:
		tileRowsF32AMX(dst, dstStep, src, lds, count, steps)
	case dtype == F16:
		tileRowsF16AMX(dst, dstStep, src, lds, count, steps)
	default:
		tileRowsBF16AMX(dst, dstStep, src, lds, count, steps)
	}
}

// packLine rounds whole tiles of a vector to bfloat16.
func packLine(dst []byte, x []float32) {
	if useAMX && len(x) > 0 {
		tileRowsF32AMX(&dst[0], 2*tileDepth, unsafe.Pointer(&x[0]), 0, 1, len(x)/tileDepth)
		return
	}
	packVectorGeneric(dst, &operand{f32: x}, len(x))
}

// tileOut is tileOutGeneric.
func tileOut(c []float32, ldc int, tile []float32, rows, cols int, transposed, add bool, bias *float32) {
	switch {
	case !useAVX512:
		tileOutGeneric(c, ldc, tile, rows, cols, transposed, add, bias)
	case transposed:
		tileOutTransposedAVX512(&c[0], ldc, &tile[0], rows, cols, add, bias)
	default:
		tileOutAVX512(&c[0], ldc, &tile[0], rows, cols, add, bias)
	}
}

// tileBias is tileBiasGeneric.
func tileBias(sums, bias []float32) {
	if !useAVX512 {
		tileBiasGeneric(sums, bias)
		return
	}
	tileBiasAVX512(&sums[0], &bias[0], len(sums)/(2*tileSums))
}
