package kernel

import (
	"encoding/binary"
	"math"
)

// The types with blocks of 32 elements and one scale d, or a scale and a minimum m:
// Q8_0, Q4_0 and Q5_0 are d·level, Q4_1 and Q5_1 are d·level + m.

// legacy is the number of elements of these blocks.
const legacy = 32

func decodeQ8_0(dst []float32, src []byte) {
	d := halfAt(src)
	dst = dst[:legacy]
	for i, b := range src[2 : 2+legacy] {
		dst[i] = d * float32(int8(b))
	}
}

func encodeQ8_0(dst []byte, x []float32, _ *weights) {
	d := abs(extreme(x)) / 127
	putHalf(dst, d)
	id := inverse(d)
	for i, v := range x {
		dst[2+i] = byte(truncate(float32(math.Round(float64(v * id)))))
	}
}

func decodeQ4_0(dst []float32, src []byte) {
	var levels [legacy]byte
	unpackNibbles(levels[:], src[2:18])
	symmetric(dst, &levels, halfAt(src), 8)
}

func encodeQ4_0(dst []byte, x []float32, w *weights) {
	var levels [legacy]byte
	putHalf(dst, fitSymmetric(&levels, x, w, 8))
	packNibbles(dst[2:18], levels[:])
}

func decodeQ5_0(dst []float32, src []byte) {
	var levels [legacy]byte
	unpackNibbles(levels[:], src[6:22])
	unpackFifth(&levels, src[2:])
	symmetric(dst, &levels, halfAt(src), 16)
}

func encodeQ5_0(dst []byte, x []float32, w *weights) {
	var levels [legacy]byte
	putHalf(dst, fitSymmetric(&levels, x, w, 16))
	packFifth(dst[2:], &levels)
	packNibbles(dst[6:22], levels[:])
}

func decodeQ4_1(dst []float32, src []byte) {
	var levels [legacy]byte
	unpackNibbles(levels[:], src[4:20])
	affine(dst, &levels, halfAt(src), halfAt(src[2:]))
}

func encodeQ4_1(dst []byte, x []float32, w *weights) {
	var levels [legacy]byte
	d, m := fitRange(&levels, x, w, 15)
	putHalf(dst, d)
	putHalf(dst[2:], m)
	packNibbles(dst[4:20], levels[:])
}

func decodeQ5_1(dst []float32, src []byte) {
	var levels [legacy]byte
	unpackNibbles(levels[:], src[8:24])
	unpackFifth(&levels, src[4:])
	affine(dst, &levels, halfAt(src), halfAt(src[2:]))
}

func encodeQ5_1(dst []byte, x []float32, w *weights) {
	var levels [legacy]byte
	d, m := fitRange(&levels, x, w, 31)
	putHalf(dst, d)
	putHalf(dst[2:], m)
	packFifth(dst[4:], &levels)
	packNibbles(dst[8:24], levels[:])
}

func symmetric(dst []float32, levels *[legacy]byte, d float32, zero int) {
	dst = dst[:legacy]
	for i, l := range levels {
		dst[i] = d * float32(int(l)-zero)
	}
}

func affine(dst []float32, levels *[legacy]byte, d, m float32) {
	dst = dst[:legacy]
	for i, l := range levels {
		dst[i] = float32(d*float32(l)) + m
	}
}

// unpackFifth adds the fifth bit, bit i of 32 for level i.
func unpackFifth(levels *[legacy]byte, src []byte) {
	bits := binary.LittleEndian.Uint32(src)
	for i := range levels {
		levels[i] |= byte(bits>>i&1) << 4
	}
}

func packFifth(dst []byte, levels *[legacy]byte) {
	bits := uint32(0)
	for i, l := range levels {
		bits |= uint32(l>>4&1) << i
	}
	binary.LittleEndian.PutUint32(dst, bits)
}

// fitSymmetric chooses levels 0 to 2·zero-1 and returns the scale of level-zero.
func fitSymmetric(levels *[legacy]byte, x []float32, w *weights, zero int) (d float32) {
	if w.importance != nil {
		var cost [legacy]float32
		w.ofRow(cost[:], x)
		return searchScale(levels[:], x, cost[:], zero)
	}
	d = extreme(x) / float32(-zero)
	id := inverse(d)
	for i, v := range x {
		levels[i] = byte(min(2*zero-1, int(int8(truncate(float32(v*id)+(float32(zero)+0.5))))))
	}
	return d
}

// fitRange chooses levels 0 to top and returns the scale and the minimum.
func fitRange(levels *[legacy]byte, x []float32, w *weights, top int) (d, m float32) {
	if w.importance != nil {
		var cost [legacy]float32
		w.ofRow(cost[:], x)
		d, m = fineSearch.affine(levels[:], x, cost[:], top)
		return d, -m
	}
	lo, hi := float32(math.MaxFloat32), float32(-math.MaxFloat32)
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	d = (hi - lo) / float32(top)
	id := inverse(d)
	for i, v := range x {
		levels[i] = byte(min(top, truncate(float32((v-lo)*id)+0.5)))
	}
	return d, lo
}

// ofRow weighs the errors of a block by importance and size, in proportion to the row.
func (w *weights) ofRow(cost, x []float32) { w.spread(cost, x, w.energy/float32(w.cols)) }

// spread is cost = importance·√(mean + x²).
func (w *weights) spread(cost, x []float32, mean float32) {
	for i, v := range x {
		cost[i] = w.importance[i] * sqrt(mean+float32(v*v))
	}
}
