package kernel

import "fmt"

// DType says how the elements of an array are stored. Quantisation is a dtype,
// not a kind of layer: the GEMM looks at the weight's dtype and nobody else does.
type DType uint8

// The dtypes of the safetensors format. Only F32, F16 and BF16 take part in arithmetic.
const (
	F32 DType = iota
	F16
	BF16
	F64
	I8
	I16
	I32
	I64
	U8
	U16
	U32
	U64
	Bool
	F8E4M3
	F8E5M2
)

var dtypes = [...]struct {
	name string
	size int
}{
	F32: {"F32", 4}, F16: {"F16", 2}, BF16: {"BF16", 2}, F64: {"F64", 8},
	I8: {"I8", 1}, I16: {"I16", 2}, I32: {"I32", 4}, I64: {"I64", 8},
	U8: {"U8", 1}, U16: {"U16", 2}, U32: {"U32", 4}, U64: {"U64", 8},
	Bool: {"BOOL", 1}, F8E4M3: {"F8_E4M3", 1}, F8E5M2: {"F8_E5M2", 1},
}

// ParseDType returns the dtype with a safetensors name such as "BF16".
func ParseDType(name string) (DType, error) {
	for d, t := range dtypes {
		if t.name == name {
			return DType(d), nil
		}
	}
	return 0, fmt.Errorf("unknown dtype %q", name)
}

// String returns the safetensors name.
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size is the number of bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// Float reports whether kernels can multiply by elements of this dtype.
func (d DType) Float() bool { return d == F32 || d == F16 || d == BF16 }
