package kernel

import (
	"encoding/binary"
	"unsafe"
)

// An operand is a matrix seen as vectors over the summed index k: the rows of a
// (or columns of b) are its outer index. Element (o, t) is number o*stride+t of
// the data, or t*stride+o when it is k-major.
type operand struct {
	dtype  DType
	kMajor bool
	stride int
	f32    []float32
	raw    []byte
}

func operandOf(m Mat, kMajor bool) operand {
	return operand{dtype: m.DType, kMajor: kMajor, stride: m.Stride, f32: m.F32, raw: m.Raw}
}

func (x *operand) index(outer, t int) int {
	if x.kMajor {
		return t*x.stride + outer
	}
	return outer*x.stride + t
}

func (x *operand) at(i int) float32 {
	if x.dtype == F32 {
		return x.f32[i]
	}
	h := binary.LittleEndian.Uint16(x.raw[2*i:])
	if x.dtype == F16 {
		return halfToFloat(h)
	}
	return brainToFloat(h)
}

// pointer is the address of element i, for the assembly.
func (x *operand) pointer(i int) unsafe.Pointer {
	if x.dtype == F32 {
		return unsafe.Pointer(&x.f32[i])
	}
	return unsafe.Pointer(&x.raw[2*i])
}

// address is where element t of an outer vector is stored, of a quantised dtype the
// block that begins there.
func (x *operand) address(outer, t int) unsafe.Pointer {
	if x.dtype.Quantised() {
		return unsafe.Pointer(&x.raw[x.dtype.Bytes(x.index(outer, t))])
	}
	return x.pointer(x.index(outer, t))
}

// packGeneric copies outer vectors [o, o+count) over k in [t, t+length) into a
// k-major panel of the given width: vector i at dst[i], dst[width+i], and so on.
func packGeneric(dst []float32, width int, x *operand, o, count, t, length int) {
	for i := range count {
		for j := range length {
			dst[j*width+i] = x.at(x.index(o+i, t+j))
		}
	}
}
