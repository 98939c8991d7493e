package kernel

import (
	"encoding/binary"
	"math"
)

// convertBlock is the granularity of the assembly; AVX2 has no masks for 16-bit elements.
const convertBlock = 16

// ToF32 decodes the elements of src, which are little-endian F16, BF16, F32 or F64, or
// blocks of a quantised dtype, into dst.
// src has d.Bytes(len(dst)) bytes.
func ToF32(dst []float32, src []byte, d DType) {
	match("ToF32", d.Bytes(len(dst)), len(src))
	blocks := len(dst) &^ (convertBlock - 1)
	switch d {
	case F16:
		f16ToF32(dst[:blocks], src[:2*blocks])
		f16ToF32Generic(dst[blocks:], src[2*blocks:])
	case BF16:
		bf16ToF32(dst[:blocks], src[:2*blocks])
		bf16ToF32Generic(dst[blocks:], src[2*blocks:])
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	default:
		if d.Quantised() {
			dequantize(dst, src, d)
			return
		}
		panic("kernel: ToF32: no conversion from " + d.String())
	}
}

// FromF32 encodes src as little-endian F16, BF16, F32 or F64 into dst, rounding to nearest
// even, or as Quantize does without importance.
// dst has d.Bytes(len(src)) bytes.
func FromF32(dst []byte, src []float32, d DType) {
	match("FromF32", d.Bytes(len(src)), len(dst))
	blocks := len(src) &^ (convertBlock - 1)
	switch d {
	case F16:
		f32ToF16(dst[:2*blocks], src[:blocks])
		f32ToF16Generic(dst[2*blocks:], src[blocks:])
	case BF16:
		f32ToBF16(dst[:2*blocks], src[:blocks])
		f32ToBF16Generic(dst[2*blocks:], src[blocks:])
	case F32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	case F64:
		for i, v := range src {
			binary.LittleEndian.PutUint64(dst[8*i:], math.Float64bits(float64(v)))
		}
	default:
		if d.Quantised() {
			Quantize(dst, src, d, nil)
			return
		}
		panic("kernel: FromF32: no conversion to " + d.String())
	}
}

func f16ToF32Generic(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = halfToFloat(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func bf16ToF32Generic(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = brainToFloat(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func f32ToF16Generic(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], floatToHalf(v))
	}
}

func f32ToBF16Generic(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], floatToBrain(v))
	}
}

// halfToFloat is exact; NaNs become quiet and keep their payload, as in hardware.
func halfToFloat(h uint16) float32 {
	sign, e, man := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch {
	case e == 0: // zero and subnormals: man · 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(man)*0x1p-24))
	case e == 0x1f && man != 0:
		return math.Float32frombits(sign | 0x7fc00000 | man<<13)
	case e == 0x1f:
		return math.Float32frombits(sign | 0x7f800000)
	}
	return math.Float32frombits(sign | (e+127-15)<<23 | man<<13)
}

func floatToHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 0x7f800000: // NaN
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // rounds to 2^16 or more
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: let the addition round to a multiple of 2^-24
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	b += 0xfff + b>>13&1
	return sign | uint16((b-(127-15)<<23)>>13)
}

func brainToFloat(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

func floatToBrain(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40 // a quiet NaN
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
