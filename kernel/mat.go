package kernel

import "fmt"

// Mat is a row-major matrix view: element (i, j) is number i*Stride+j of F32,
// of the little-endian 16-bit elements of Raw when DType is F16 or BF16, or of
// the elements in the blocks of Raw. Of a quantised dtype, Cols and Stride are
// multiples of the block.
type Mat struct {
	Rows, Cols int
	Stride     int // elements from one row to the next, at least Cols
	DType      DType
	F32        []float32
	Raw        []byte
}

// F32Mat is a dense float32 matrix on data.
func F32Mat(data []float32, rows, cols int) Mat {
	return Mat{Rows: rows, Cols: cols, Stride: cols, F32: data}
}

func (m Mat) shape() string { return fmt.Sprintf("%d×%d", m.Rows, m.Cols) }

// span is the number of elements between the first and the last one, both included.
func (m Mat) span() int {
	if m.Rows == 0 || m.Cols == 0 {
		return 0
	}
	return (m.Rows-1)*m.Stride + m.Cols
}

// check panics unless the view lies within its data.
func (m Mat) check(op, name string) {
	elements, bytes := m.DType.Block()
	have := len(m.F32)
	if m.DType != F32 {
		have = len(m.Raw) / bytes * elements
	}
	switch {
	case !m.DType.Float():
		panic(fmt.Sprintf("kernel: %s: %s is %v, want F32, F16, BF16 or a quantised dtype", op, name, m.DType))
	case m.Cols%elements != 0 || m.Rows > 1 && m.Stride%elements != 0:
		panic(fmt.Sprintf("kernel: %s: %s %s with stride %d is no whole number of %v's blocks of %d",
			op, name, m.shape(), m.Stride, m.DType, elements))
	case m.Rows < 0 || m.Cols < 0 || m.Rows > 1 && m.Stride < m.Cols:
		panic(fmt.Sprintf("kernel: %s: %s %s with stride %d", op, name, m.shape(), m.Stride))
	case m.span() > have:
		panic(fmt.Sprintf("kernel: %s: %s %s with stride %d needs %d elements, has %d",
			op, name, m.shape(), m.Stride, m.span(), have))
	}
}
