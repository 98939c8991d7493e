//go:build arm64 && !purego

package kernel

// decodeQ8_0NEON decodes consecutive blocks:
//
//	for b := range blocks { decodeQ8_0(dst[32*b:], src[34*b:]) }
//
//go:noescape
func decodeQ8_0NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4_0NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4_1NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5_0NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5_1NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4_KNEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5_KNEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ6_KNEON(dst *float32, src *byte, blocks int)

// dequantize decodes whole blocks.
func dequantize(dst []float32, src []byte, d DType) {
	elements, _ := d.Block()
	blocks := len(dst) / elements
	if blocks == 0 || !useNEON {
		dequantizeGeneric(dst, src, d)
		return
	}
	match("dequantize", d.Bytes(len(dst)), len(src))
	y, x := &dst[0], &src[0]
	switch d {
	case Q8_0:
		decodeQ8_0NEON(y, x, blocks)
	case Q4_0:
		decodeQ4_0NEON(y, x, blocks)
	case Q4_1:
		decodeQ4_1NEON(y, x, blocks)
	case Q5_0:
		decodeQ5_0NEON(y, x, blocks)
	case Q5_1:
		decodeQ5_1NEON(y, x, blocks)
	case Q4_K:
		decodeQ4_KNEON(y, x, blocks)
	case Q5_K:
		decodeQ5_KNEON(y, x, blocks)
	case Q6_K:
		decodeQ6_KNEON(y, x, blocks)
	default:
		dequantizeGeneric(dst, src, d)
	}
}
