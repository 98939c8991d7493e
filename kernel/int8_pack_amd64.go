//go:build amd64 && !purego

package kernel

import "unsafe"

// int8PackQ8_0AVX2 is int8PackGeneric; it fetches memory the given number of bytes
// ahead, whose address need not be valid. blocks are those of the dtype. zero is taken
// off levels that have signs as they are stored; others stay as they are.
//
//go:noescape
func int8PackQ8_0AVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_0AVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_1AVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_0AVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_1AVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackIQ4_NLAVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_KAVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_KAVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ6_KAVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ3_KAVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ2_KAVX2(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ8_0AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_0AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_1AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_0AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_1AVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackIQ4_NLAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ4_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ5_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ6_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ3_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

//go:noescape
func int8PackQ2_KAVX512(dst, src *byte, row, blocks, ahead, zero int)

// int8LessAVX2 takes zero off the levels of blocks.
//
//go:noescape
func int8LessAVX2(levels *byte, blocks, zero int)

func int8Pack(kind int8Kind, dst []int8Weights, src []byte, row int, d DType, ahead int) {
	if len(dst) == 0 || !useAVX2 && !useAVX512 {
		int8PackGeneric(kind, dst, src, row, d)
		return
	}
	stored := d == Q8_0 || d == IQ4_NL // with signs
	zero := 0
	if stored && !kind.signed {
		zero = int(kind.zero) // as good as adding it, in 8 bits
	}
	elements, _ := d.Block()
	to, blocks := (*byte)(unsafe.Pointer(&dst[0])), len(dst)*kind.elements()/elements
	if useAVX512 {
		int8PackAVX512(d, to, &src[0], row, blocks, ahead, zero)
	} else {
		int8PackAVX2(d, to, &src[0], row, blocks, ahead, zero)
	}
	if kind.signed && !stored {
		int8LessAVX2(to, len(dst), int(kind.zero))
	}
}

func int8PackAVX512(d DType, dst, src *byte, row, blocks, ahead, zero int) {
	switch d {
	case Q8_0:
		int8PackQ8_0AVX512(dst, src, row, blocks, ahead, zero)
	case Q4_0:
		int8PackQ4_0AVX512(dst, src, row, blocks, ahead, zero)
	case Q4_1:
		int8PackQ4_1AVX512(dst, src, row, blocks, ahead, zero)
	case Q5_0:
		int8PackQ5_0AVX512(dst, src, row, blocks, ahead, zero)
	case Q5_1:
		int8PackQ5_1AVX512(dst, src, row, blocks, ahead, zero)
	case IQ4_NL:
		int8PackIQ4_NLAVX512(dst, src, row, blocks, ahead, zero)
	case Q4_K:
		int8PackQ4_KAVX512(dst, src, row, blocks, ahead, zero)
	case Q5_K:
		int8PackQ5_KAVX512(dst, src, row, blocks, ahead, zero)
	case Q6_K:
		int8PackQ6_KAVX512(dst, src, row, blocks, ahead, zero)
	case Q3_K:
		int8PackQ3_KAVX512(dst, src, row, blocks, ahead, zero)
	case Q2_K:
		int8PackQ2_KAVX512(dst, src, row, blocks, ahead, zero)
	}
}

func int8PackAVX2(d DType, dst, src *byte, row, blocks, ahead, zero int) {
	switch d {
	case Q8_0:
		int8PackQ8_0AVX2(dst, src, row, blocks, ahead, zero)
	case Q4_0:
		int8PackQ4_0AVX2(dst, src, row, blocks, ahead, zero)
	case Q4_1:
		int8PackQ4_1AVX2(dst, src, row, blocks, ahead, zero)
	case Q5_0:
		int8PackQ5_0AVX2(dst, src, row, blocks, ahead, zero)
	case Q5_1:
		int8PackQ5_1AVX2(dst, src, row, blocks, ahead, zero)
	case IQ4_NL:
		int8PackIQ4_NLAVX2(dst, src, row, blocks, ahead, zero)
	case Q4_K:
		int8PackQ4_KAVX2(dst, src, row, blocks, ahead, zero)
	case Q5_K:
		int8PackQ5_KAVX2(dst, src, row, blocks, ahead, zero)
	case Q6_K:
		int8PackQ6_KAVX2(dst, src, row, blocks, ahead, zero)
	case Q3_K:
		int8PackQ3_KAVX2(dst, src, row, blocks, ahead, zero)
	case Q2_K:
		int8PackQ2_KAVX2(dst, src, row, blocks, ahead, zero)
	}
}
