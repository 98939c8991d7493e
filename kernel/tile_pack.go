package kernel

import (
	"encoding/binary"
	"unsafe"
)

// packTilesGeneric rounds vectors [o, o+count) of x over k in [t, t+length) to
// bfloat16 and packs them as tiles that are step bytes apart: element (o+i, t+32s+j) to
// line i of tile s, or, as columns, to line j/2, pair i. The rest of the last tile is zero,
// lines of missing vectors stay as they are.
func packTilesGeneric(dst []byte, step int, x *operand, o, count, t, length int, rows bool) {
	for s := 0; s*tileDepth < length; s++ {
		tile := dst[s*step : s*step+tileBytes]
		for i := range count {
			for j := range tileDepth {
				var v uint16
				if s*tileDepth+j < length {
					v = floatToBrain(flush(x.at(x.index(o+i, t+s*tileDepth+j))))
				}
				at := i*tileDepth + j
				if !rows {
					at = j/2*2*tileSide + 2*i + j%2
				}
				binary.LittleEndian.PutUint16(tile[2*at:], v)
			}
		}
	}
}

// packVector rounds the only vector of x to bfloat16; the rest of the last tile is zero.
func packVector(dst []byte, x *operand, k int) {
	if x.kMajor || x.dtype != F32 {
		packVectorGeneric(dst, x, k)
		return
	}
	whole := k / tileDepth * tileDepth
	packLine(dst, x.f32[:whole])
	if whole < k {
		rest := *x
		rest.f32 = x.f32[whole:]
		packVectorGeneric(dst[2*whole:], &rest, k-whole)
	}
}

// packVectorGeneric is packVector for any vector; x is numbered from zero.
func packVectorGeneric(dst []byte, x *operand, k int) {
	for t := range ceilDiv(k, tileDepth) * tileDepth {
		var v uint16
		if t < k {
			v = floatToBrain(flush(x.at(x.index(0, t))))
		}
		binary.LittleEndian.PutUint16(dst[2*t:], v)
	}
}

// tileOutGeneric stores a tile of sums to c, or adds it. A bias, if there is one, has a
// float for each column of c.
func tileOutGeneric(c []float32, ldc int, tile []float32, rows, cols int, transposed, add bool, bias *float32) {
	for i := range rows {
		for j := range cols {
			v := tile[i*tileSide+j]
			if transposed {
				v = tile[j*tileSide+i]
			}
			if bias != nil {
				v += unsafe.Slice(bias, cols)[j]
			}
			if add {
				v += c[i*ldc+j]
			}
			c[i*ldc+j] = v
		}
	}
}
