package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// floats turns the bytes of F32 elements into floats: the same memory if it is
// aligned and the machine is little-endian, else a copy.
func floats(raw []byte) []float32 {
	n := len(raw) / 4
	if n == 0 {
		return []float32{}
	}
	p := unsafe.Pointer(unsafe.SliceData(raw))
	if littleEndian && uintptr(p)%unsafe.Alignof(float32(0)) == 0 {
		return unsafe.Slice((*float32)(p), n)
	}
	f := make([]float32, n)
	kernel.ToF32(f, raw[:4*n], kernel.F32)
	return f
}

// Floats returns the elements of a tensor of dtype F32, F16, BF16, F64 or a
// quantised one as float32, read-only as Tensor's.
func (c *Checkpoint) Floats(name string) ([]float32, error) {
	t, err := c.Tensor(name)
	if err != nil {
		return nil, err
	}
	if t.DType == kernel.F32 {
		return t.F32, nil
	}
	if !t.DType.Float() && t.DType != kernel.F64 {
		return nil, c.wrongDType(name, t, "floating point")
	}
	f := make([]float32, t.Len())
	kernel.ToF32(f, t.Raw, t.DType)
	return f, nil
}

// Ints returns the elements of a tensor of an integer dtype or BOOL.
func (c *Checkpoint) Ints(name string) ([]int64, error) {
	t, err := c.Tensor(name)
	if err != nil {
		return nil, err
	}
	element := intReader(t.DType)
	if element == nil {
		return nil, c.wrongDType(name, t, "integers")
	}
	v, size := make([]int64, t.Len()), t.DType.Size()
	for i := range v {
		v[i] = element(t.Raw[i*size:])
		if t.DType == kernel.U64 && v[i] < 0 {
			return nil, fmt.Errorf("checkpoint: %s: tensor %q: element %d is larger than %d", c.tensors[name].File, name, i, int64(math.MaxInt64))
		}
	}
	return v, nil
}

func (c *Checkpoint) wrongDType(name string, t *tensor.Tensor, want string) error {
	return fmt.Errorf("checkpoint: %s: tensor %q: dtype %v, want %s", c.tensors[name].File, name, t.DType, want)
}

func intReader(d tensor.DType) func([]byte) int64 {
	switch d {
	case kernel.Bool, kernel.U8:
		return func(b []byte) int64 { return int64(b[0]) }
	case kernel.I8:
		return func(b []byte) int64 { return int64(int8(b[0])) }
	case kernel.U16:
		return func(b []byte) int64 { return int64(le.Uint16(b)) }
	case kernel.I16:
		return func(b []byte) int64 { return int64(int16(le.Uint16(b))) }
	case kernel.U32:
		return func(b []byte) int64 { return int64(le.Uint32(b)) }
	case kernel.I32:
		return func(b []byte) int64 { return int64(int32(le.Uint32(b))) }
	case kernel.U64, kernel.I64:
		return func(b []byte) int64 { return int64(le.Uint64(b)) }
	}
	return nil
}
