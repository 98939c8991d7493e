// Package tensor holds the array type that every other package passes around,
// and the execution context that records how arrays were made.
package tensor

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
)

// DType says how the elements of a tensor are stored.
type DType = kernel.DType

// The dtypes that take part in arithmetic; the others of the safetensors format are in kernel.
const (
	F32  = kernel.F32
	F16  = kernel.F16
	BF16 = kernel.BF16
)

// Tensor is a dense, row-major array. The last dimension is contiguous.
//
// A tensor without data (Declare) has a shape only: it is what a model's
// constructor makes, to be filled from a checkpoint or by nn.Init.
type Tensor struct {
	Shape []int
	DType DType
	F32   []float32 // elements when DType is F32
	Raw   []byte    // packed little-endian elements otherwise; may alias a read-only mapping

	grad  []float32
	spent bool   // what grad holds is of the past: the next sum takes its place
	needs bool   // a gradient flows into or through this tensor
	arena *arena // nil for parameters
	depth int    // arena scope that the tensor was made in
}

// New returns a zeroed F32 tensor.
func New(shape ...int) *Tensor {
	return &Tensor{Shape: shape, F32: make([]float32, Size(shape))}
}

// Declare returns a tensor that has a shape and no data yet.
func Declare(shape ...int) *Tensor { return &Tensor{Shape: shape} }

// From wraps data, which is not copied, as an F32 tensor.
func From(data []float32, shape ...int) *Tensor {
	if len(data) != Size(shape) {
		panic(fmt.Sprintf("tensor: From: %d elements for shape %v", len(data), shape))
	}
	return &Tensor{Shape: shape, F32: data}
}

// Size is the number of elements of a shape.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Len is the number of elements.
func (t *Tensor) Len() int { return Size(t.Shape) }

// Rows and Cols view a tensor as a matrix: all leading dimensions are rows.
func (t *Tensor) Rows() int { return Size(t.Shape[:len(t.Shape)-1]) }

// Cols is the last dimension.
func (t *Tensor) Cols() int { return t.Shape[len(t.Shape)-1] }

// Row returns row i of an F32 tensor seen as a matrix.
func (t *Tensor) Row(i int) []float32 { n := t.Cols(); return t.F32[i*n : (i+1)*n : (i+1)*n] }

// RowInto copies row i of a tensor seen as a matrix, of any float dtype, to dst.
func (t *Tensor) RowInto(dst []float32, i int) {
	if t.DType == F32 {
		copy(dst, t.Row(i))
		return
	}
	n := t.DType.Bytes(t.Cols())
	kernel.ToF32(dst, t.Raw[i*n:(i+1)*n], t.DType)
}

// Mat is the tensor as an operand of the kernels: Rows()×Cols().
func (t *Tensor) Mat() kernel.Mat {
	r, c := t.Rows(), t.Cols()
	return kernel.Mat{Rows: r, Cols: c, Stride: c, DType: t.DType, F32: t.F32, Raw: t.Raw}
}

// HasData reports whether the tensor has been filled.
func (t *Tensor) HasData() bool { return t.F32 != nil || t.Raw != nil }

// Bytes is the memory that the elements take.
func (t *Tensor) Bytes() int { return t.DType.Bytes(t.Len()) }

// Own turns the tensor into F32 elements that this process may write: what a
// checkpoint mapped read-only, or holds in 16 bits, is copied.
func (t *Tensor) Own() {
	f := make([]float32, t.Len())
	t.Floats(f)
	t.F32, t.Raw, t.DType = f, nil, F32
}

// NeedsGrad reports whether Backward has to reach this tensor.
func (t *Tensor) NeedsGrad() bool { return t != nil && t.needs }

// SetTrainable says whether a parameter learns. Its elements must be F32 then.
func (t *Tensor) SetTrainable(on bool) {
	if on && (t.DType != F32 || t.F32 == nil) {
		panic(fmt.Sprintf("tensor: SetTrainable: %v %v has no F32 elements; call Own first", t.DType, t.Shape))
	}
	t.needs = on
	if !on {
		t.grad, t.spent = nil, false
	}
}

// Grad returns the gradient accumulator, zeroed and allocated on first use.
func (t *Tensor) Grad() []float32 {
	g, used := t.GradSink()
	if !used {
		clear(g)
	}
	return g
}

// GradSink is Grad without the zeros, for an op that is about to add to every
// element. It reports whether anything may have been added yet: if not, the
// elements are arbitrary and the op stores its result instead, which saves a
// pass over memory.
func (t *Tensor) GradSink() (g []float32, used bool) {
	if t.grad != nil {
		used, t.spent = !t.spent, false
		return t.grad, used
	}
	// Within an arena scope, the gradient of a tensor from outside has to outlive the scope.
	if t.arena != nil && t.depth == t.arena.depth {
		t.grad = t.arena.gradient(t.Len())
	} else {
		t.grad = make([]float32, t.Len())
	}
	return t.grad, false
}

// AdoptGrad makes the gradient of y, which nothing may read any more, that of t, and
// reports whether it could: t has none yet, and lives as long as y.
func (t *Tensor) AdoptGrad(y *Tensor) bool {
	if t.grad != nil || t.arena == nil || t.arena != y.arena || t.depth != y.depth {
		return false
	}
	t.grad = y.Grad()
	y.grad = nil
	return true
}

// dropGrad hands the memory of the gradient on to those that are made next.
func (t *Tensor) dropGrad() {
	if t.arena != nil && t.grad != nil {
		t.arena.spares = append(t.arena.spares, spare{t.grad, t.depth})
		t.grad = nil
	}
}

// HasGrad reports whether a gradient has been accumulated since the last ZeroGrad of an intermediate, or ever for a parameter.
func (t *Tensor) HasGrad() bool { return t.grad != nil }

// ZeroGrad forgets the accumulated gradient.
func (t *Tensor) ZeroGrad() { t.spent = t.grad != nil }

// String shows the dtype and shape, not the elements.
func (t *Tensor) String() string { return fmt.Sprintf("%v%v", t.DType, t.Shape) }

// Floats copies the elements to dst as float32, whatever their dtype.
func (t *Tensor) Floats(dst []float32) {
	if len(dst) != t.Len() {
		panic(fmt.Sprintf("tensor: Floats: %d elements for %v", len(dst), t))
	}
	if t.DType == F32 {
		copy(dst, t.F32)
	} else {
		kernel.ToF32(dst, t.Raw, t.DType)
	}
}
