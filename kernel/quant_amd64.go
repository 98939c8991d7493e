//go:build amd64 && !purego

package kernel

// decodeQ8_0AVX2 decodes consecutive blocks:
//
//	for b := range blocks { decodeQ8_0(dst[32*b:], src[34*b:]) }
//
//go:noescape
func decodeQ8_0AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4_0AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4_1AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5_0AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5_1AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4_KAVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5_KAVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ6_KAVX2(dst *float32, src *byte, blocks int)

// dequantize decodes whole blocks. The AVX2 form serves AVX-512 as well.
func dequantize(dst []float32, src []byte, d DType) {
	elements, _ := d.Block()
	blocks := len(dst) / elements
	if blocks == 0 || !useAVX2 && !useAVX512 {
		dequantizeGeneric(dst, src, d)
		return
	}
	match("dequantize", d.Bytes(len(dst)), len(src))
	y, x := &dst[0], &src[0]
	switch d {
	case Q8_0:
		decodeQ8_0AVX2(y, x, blocks)
	case Q4_0:
		decodeQ4_0AVX2(y, x, blocks)
	case Q4_1:
		decodeQ4_1AVX2(y, x, blocks)
	case Q5_0:
		decodeQ5_0AVX2(y, x, blocks)
	case Q5_1:
		decodeQ5_1AVX2(y, x, blocks)
	case Q4_K:
		decodeQ4_KAVX2(y, x, blocks)
	case Q5_K:
		decodeQ5_KAVX2(y, x, blocks)
	case Q6_K:
		decodeQ6_KAVX2(y, x, blocks)
	default:
		dequantizeGeneric(dst, src, d)
	}
}
