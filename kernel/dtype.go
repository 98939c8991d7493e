package kernel

import "fmt"

// DType says how the elements of an array are stored. Quantisation is a dtype,
// not a kind of layer: the GEMM looks at the weight's dtype and nobody else does.
type DType uint8

// The dtypes of the safetensors format. Of these, only F32, F16 and BF16 take part in arithmetic.
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

// The quantised dtypes, with ggml's names and layouts: blocks of 32 elements that
// share a scale, and the K types' blocks of 256 in 8 or 16 groups whose scales are
// quantised too. All take part in arithmetic.
const (
	Q8_0 DType = F8E5M2 + 1 + iota
	Q4_0
	Q4_1
	Q5_0
	Q5_1
	Q4_K
	Q5_K
	Q6_K
	Q2_K
	Q3_K
	IQ4_NL
)

var dtypes = [...]struct {
	name            string
	elements, bytes int // of a block
}{
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2}, F64: {"F64", 1, 8},
	I8: {"I8", 1, 1}, I16: {"I16", 1, 2}, I32: {"I32", 1, 4}, I64: {"I64", 1, 8},
	U8: {"U8", 1, 1}, U16: {"U16", 1, 2}, U32: {"U32", 1, 4}, U64: {"U64", 1, 8},
	Bool: {"BOOL", 1, 1}, F8E4M3: {"F8_E4M3", 1, 1}, F8E5M2: {"F8_E5M2", 1, 1},

	Q8_0: {"Q8_0", 32, 34}, Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20},
	Q5_0: {"Q5_0", 32, 22}, Q5_1: {"Q5_1", 32, 24}, IQ4_NL: {"IQ4_NL", 32, 18},
	Q4_K: {"Q4_K", 256, 144}, Q5_K: {"Q5_K", 256, 176}, Q6_K: {"Q6_K", 256, 210},
	Q2_K: {"Q2_K", 256, 84}, Q3_K: {"Q3_K", 256, 110},
}

// ParseDType returns the dtype with a name of safetensors, such as "BF16", or of ggml, such as "Q4_K".
func ParseDType(name string) (DType, error) {
	for d, t := range dtypes {
		if t.name == name {
			return DType(d), nil
		}
	}
	return 0, fmt.Errorf("unknown dtype %q", name)
}

// String returns the name in safetensors, or in ggml for a quantised dtype.
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Block is the unit of storage: so many consecutive elements in so many bytes.
// It is one element unless the dtype is quantised.
func (d DType) Block() (elements, bytes int) { return dtypes[d].elements, dtypes[d].bytes }

// Bytes is the size of n elements. It panics if they are no whole number of blocks.
func (d DType) Bytes(n int) int {
	elements, bytes := d.Block()
	if n%elements != 0 {
		panic(fmt.Sprintf("kernel: %d elements of %v, whose blocks have %d", n, d, elements))
	}
	return n / elements * bytes
}

// Size is the number of bytes of one element. It panics if the dtype is quantised.
func (d DType) Size() int {
	if d.Quantised() {
		panic(fmt.Sprintf("kernel: an element of %v has no size of its own", d))
	}
	return dtypes[d].bytes
}

// Quantised reports whether elements are stored in blocks.
func (d DType) Quantised() bool { return d > F8E5M2 }

// Float reports whether the elements are real numbers that kernels can multiply
// by: those of F32, F16, BF16 and of the quantised dtypes.
func (d DType) Float() bool { return d == F32 || d == F16 || d == BF16 || d.Quantised() }
