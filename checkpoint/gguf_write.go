package checkpoint

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// KV is an entry of the metadata of a GGUF file. Its value is of one of the types that Checkpoint.GGUF lists.
type KV struct {
	Key   string
	Value any
}

// GGUFTensor is a tensor to be written to a GGUF file.
type GGUFTensor struct {
	Name  string
	T     *tensor.Tensor
	DType tensor.DType      // what to store it in
	Row   func(row int) int // the row of T, seen as a matrix, that becomes a row of the file; nil: the same
}

// maxGGMLName is what ggml's tensors can be called, in bytes.
const maxGGMLName = 63

// WriteGGUF writes metadata and tensors, both in the order given, as one GGUF file of version 3, atomically. Tensors
// are converted on the way, some rows at a time. They are aligned to 32 bytes, or to the metadata's general.alignment.
func WriteGGUF(path string, metadata []KV, tensors []GGUFTensor) error {
	return wrap(writeGGUF(path, metadata, tensors), "checkpoint: write %s", path)
}

func writeGGUF(path string, metadata []KV, tensors []GGUFTensor) error {
	head, align, err := encodeGGUF(metadata, tensors)
	if err != nil {
		return err
	}
	return writeAtomic(path, func(f io.Writer) error {
		w := &aligned{w: bufio.NewWriterSize(f, 1<<20), align: align}
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, t := range tensors {
			if err := w.pad(); err != nil {
				return err
			}
			if err := t.writeTo(w); err != nil {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
		}
		if err := w.pad(); err != nil {
			return err
		}
		return w.w.Flush()
	})
}

// aligned counts what is written.
type aligned struct {
	w         *bufio.Writer
	at, align int64
}

func (w *aligned) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.at += int64(n)
	return n, err
}

// pad writes zeros up to the next place where a tensor may start.
func (w *aligned) pad() error {
	for ; w.at%w.align != 0; w.at++ {
		if err := w.w.WriteByte(0); err != nil {
			return err
		}
	}
	return nil
}

// measure checks what the format cannot say, and returns the bytes that the tensor takes in the file.
func (t *GGUFTensor) measure() (int64, error) {
	if t.Name == "" || len(t.Name) > maxGGMLName {
		return 0, fmt.Errorf("the name has %d bytes, want 1 to %d", len(t.Name), maxGGMLName)
	}
	if len(t.T.Shape) > maxGGUFRank {
		return 0, fmt.Errorf("shape %v, at most %d dimensions are allowed", t.T.Shape, maxGGUFRank)
	}
	if _, ok := ggufType(t.DType); !ok {
		return 0, fmt.Errorf("GGUF has no type %v", t.DType)
	}
	s := stored{Param: Param{t.Name, t.T}, dtype: t.DType}
	err := s.measure()
	return s.bytes, err
}

// writeTo writes the elements, a run of rows at a time.
func (t *GGUFTensor) writeTo(w io.Writer) error {
	rows, cols := 1, t.T.Len()
	if n := len(t.T.Shape); n > 1 {
		rows, cols = t.T.Rows(), t.T.Cols()
	}
	if rows == 0 || cols == 0 {
		return nil
	}
	most := min(rows, max(1, chunk/cols))
	source := make([]byte, 0, most*t.T.DType.Bytes(cols))
	for from := 0; from < rows; from += most {
		n := min(most, rows-from)
		source = source[:0]
		for i := from; i < from+n; i++ {
			source = t.appendRow(source, i, cols)
		}
		if _, err := w.Write(convert(source, n*cols, t.T.DType, t.DType)); err != nil {
			return err
		}
	}
	return nil
}

// appendRow appends the bytes of what becomes row i of the file.
func (t *GGUFTensor) appendRow(b []byte, i, cols int) []byte {
	if t.Row != nil {
		i = t.Row(i)
	}
	if t.T.DType != tensor.F32 {
		size := t.T.DType.Bytes(cols)
		return append(b, t.T.Raw[i*size:(i+1)*size]...)
	}
	row, at := t.T.F32[i*cols:(i+1)*cols], len(b)
	b = slices.Grow(b, 4*cols)[:at+4*cols]
	kernel.FromF32(b[at:], row, tensor.F32)
	return b
}

// convert returns n elements in another dtype.
func convert(b []byte, n int, from, to tensor.DType) []byte {
	if from == to {
		return b
	}
	f, out := make([]float32, n), make([]byte, to.Bytes(n))
	kernel.ToF32(f, b, from)
	kernel.FromF32(out, f, to)
	return out
}
