package kernel

import "encoding/binary"

// packAlongGeneric rounds vectors [o, o+count) of x, at most 16 that lie along k, to
// bfloat16 and packs them over k in [t, t+length) as tiles that are step bytes apart:
// element (o+i, t+32s+j) to line i of tile s. The rest of the last tile is zero, lines of
// missing vectors stay as they are.
func packAlongGeneric(dst []byte, step int, x *operand, o, count, t, length int) {
	for i := range count {
		for j := range ceilDiv(length, tileDepth) * tileDepth {
			putBrain(dst[j/tileDepth*step+2*(i*tileDepth+j%tileDepth):], x, o+i, t+j, j < length)
		}
	}
}

// packAcrossGeneric rounds vectors [o, o+count) of x, which lie across k, to bfloat16 and
// packs them over k in [t, t+length) as panels of columns that are panel bytes apart:
// element (o+32p+i, t+32s+j) to line j/2, pair i%16, of tile i/16 of step s of panel p. The
// rest of the last tiles is zero.
func packAcrossGeneric(dst []byte, panel int, x *operand, o, count, t, length int) {
	for i := range ceilDiv(count, tileSide) * tileSide {
		tile := dst[i/panelSide*panel+i%panelSide/tileSide*tileBytes:]
		for j := range ceilDiv(length, tileDepth) * tileDepth {
			at := j/tileDepth*panelBytes + 2*(j%tileDepth/2*2*tileSide+2*(i%tileSide)+j%2)
			putBrain(tile[at:], x, o+i, t+j, i < count && j < length)
		}
	}
}

// putBrain rounds element t of a vector of x, or zero.
func putBrain(dst []byte, x *operand, o, t int, there bool) {
	var v uint16
	if there {
		v = floatToBrain(flush(x.at(x.index(o, t))))
	}
	binary.LittleEndian.PutUint16(dst, v)
}

// transposeTilesGeneric transposes tiles that are step bytes apart, as 16 by 16 units of 32 bits.
func transposeTilesGeneric(dst []byte, step, count int) {
	for s := range count {
		tile := dst[s*step:]
		for i := range tileSide {
			for j := range i {
				a, b := tile[64*i+4*j:][:4], tile[64*j+4*i:][:4]
				x, y := binary.LittleEndian.Uint32(a), binary.LittleEndian.Uint32(b)
				binary.LittleEndian.PutUint32(a, y)
				binary.LittleEndian.PutUint32(b, x)
			}
		}
	}
}

// packVector rounds the only vector of x to bfloat16; the rest of the last tile is zero.
func packVector(dst []byte, x *operand, k int) {
	if !x.kMajor {
		packAlong(dst, 2*tileDepth, x, 0, 1, 0, k)
		return
	}
	for t := range ceilDiv(k, tileDepth) * tileDepth {
		putBrain(dst[2*t:], x, 0, t, t < k)
	}
}
