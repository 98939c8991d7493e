package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A codec is the Go reference of a quantised dtype: how one block is decoded and
// encoded. Both do the float32 operations of ggml in ggml's order, each rounded on
// its own (the conversions around products keep Go from fusing them), so that
// files and results are the same on every platform.
type codec struct {
	decode func(dst []float32, src []byte)
	encode func(dst []byte, x []float32, w *weights)
}

// codecOf returns nil for a dtype that is not quantised.
func codecOf(d DType) *codec {
	if !d.Quantised() {
		return nil
	}
	return &codecs[d]
}

var codecs = [...]codec{
	Q8_0:   {decodeQ8_0, encodeQ8_0},
	Q4_0:   {decodeQ4_0, encodeQ4_0},
	Q4_1:   {decodeQ4_1, encodeQ4_1},
	Q5_0:   {decodeQ5_0, encodeQ5_0},
	Q5_1:   {decodeQ5_1, encodeQ5_1},
	Q4_K:   {decodeQ4_K, encodeQ4_K},
	Q5_K:   {decodeQ5_K, encodeQ5_K},
	Q6_K:   {decodeQ6_K, encodeQ6_K},
	Q2_K:   {decodeQ2_K, encodeQ2_K},
	Q3_K:   {decodeQ3_K, encodeQ3_K},
	IQ4_NL: {decodeIQ4_NL, encodeIQ4_NL},
}

// weights say how much an error costs in each column.
type weights struct {
	importance []float32 // of the columns of the block at hand; nil if they are alike
	energy     float32   // sum of the squares of the row that the block is from
	cols       int       // length of that row
}

// Quantize encodes a row of a matrix, whose length is a multiple of the block, into
// dst, which has d.Bytes(len(row)) bytes. importance has a weight for each column, as
// the mean squared input of a layer, and may be nil; Q8_0 makes no use of it. The bytes
// are those of ggml's quantize functions, with such weights as with an "importance matrix".
func Quantize(dst []byte, row []float32, d DType, importance []float32) {
	match("Quantize", d.Bytes(len(row)), len(dst))
	c := codecOf(d)
	if c == nil {
		panic(fmt.Sprintf("kernel: Quantize: %v is no quantised dtype", d))
	}
	w := weights{cols: len(row)}
	if importance != nil {
		match("Quantize", len(row), len(importance))
		w.energy = squares(row)
	}
	elements, bytes := d.Block()
	for len(row) > 0 {
		if importance != nil {
			w.importance, importance = importance[:elements], importance[elements:]
		}
		c.encode(dst[:bytes], row[:elements], &w)
		row, dst = row[elements:], dst[bytes:]
	}
}

// dequantizeGeneric decodes whole blocks.
func dequantizeGeneric(dst []float32, src []byte, d DType) {
	elements, bytes := d.Block()
	for decode := codecOf(d).decode; len(dst) > 0; dst, src = dst[elements:], src[bytes:] {
		decode(dst[:elements], src[:bytes])
	}
}

func halfAt(b []byte) float32 { return halfToFloat(binary.LittleEndian.Uint16(b)) }

func putHalf(b []byte, v float32) { binary.LittleEndian.PutUint16(b, floatToHalf(v)) }

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }

func squares(x []float32) (sum float32) {
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// inverse is 1/v, and 0 for 0.
func inverse(v float32) float32 {
	if v == 0 {
		return 0
	}
	return 1 / v
}

// nearest rounds to the nearest integer, ties to even, for |v| < 2^22. Beyond, and
// for NaN, it gives some integer of that range.
func nearest(v float32) int {
	return int(math.Float32bits(float32(v)+0x1.8p23)&0x7fffff) - 0x400000
}

// truncate drops the fraction. What does not fit becomes zero.
func truncate(v float32) int {
	if !(abs(v) < 1<<31) {
		return 0
	}
	return int(v)
}

// extreme is the element of largest magnitude, the first of several.
func extreme(x []float32) (v float32) {
	for _, e := range x {
		if abs(e) > abs(v) {
			v = e
		}
	}
	return v
}
