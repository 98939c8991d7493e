package checkpoint

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"sync"

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

	// Importance weighs the columns for a quantised dtype: see kernel.Quantize. It may be nil.
	Importance []float32
}

// maxGGMLName is what ggml's tensors can be called, in bytes.
const maxGGMLName = 63

// WriteGGUF writes metadata and tensors, both in the order given, as one GGUF file of version 3, atomically. Tensors
// are converted on the way, some rows at a time, on all processors. They are aligned to 32 bytes, or to the metadata's general.alignment.
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
	if n := len(t.Importance); n > 0 && (len(t.T.Shape) == 0 || n != t.T.Cols()) {
		return 0, fmt.Errorf("%d weights for the columns of %v", n, t.T)
	}
	s := stored{Param: Param{t.Name, t.T}, dtype: t.DType}
	err := s.measure()
	return s.bytes, err
}

// batch is how many elements are converted between two writes.
const batch = 1 << 20

// writeTo writes the elements, a run of rows at a time.
func (t *GGUFTensor) writeTo(w io.Writer) error {
	rows, cols := 1, t.T.Len()
	if n := len(t.T.Shape); n > 0 {
		rows, cols = t.T.Rows(), t.T.Cols()
	}
	if rows == 0 || cols == 0 {
		return nil
	}
	most := min(rows, max(1, batch/cols))
	size := t.DType.Bytes(cols)
	out := make([]byte, most*size)
	for from := 0; from < rows; from += most {
		n := min(most, rows-from)
		share(n, func(lo, hi int) {
			scratch := make([]float32, cols)
			for i := lo; i < hi; i++ {
				t.encode(out[i*size:(i+1)*size], from+i, scratch)
			}
		})
		if _, err := w.Write(out[:n*size]); err != nil {
			return err
		}
	}
	return nil
}

// share cuts n into as many parts as there are processors.
func share(n int, part func(lo, hi int)) {
	var wg sync.WaitGroup
	parts := min(n, runtime.GOMAXPROCS(0))
	for i := range parts {
		wg.Go(func() { part(i*n/parts, (i+1)*n/parts) })
	}
	wg.Wait()
}

// encode writes row i of the file.
func (t *GGUFTensor) encode(dst []byte, i int, row []float32) {
	if t.Row != nil {
		i = t.Row(i)
	}
	cols, from := len(row), t.T.DType
	if from == tensor.F32 {
		row = t.T.F32[i*cols : (i+1)*cols]
		if t.DType == tensor.F32 && littleEndian {
			copy(dst, bytesOf(row))
			return
		}
	} else {
		size := from.Bytes(cols)
		raw := t.T.Raw[i*size : (i+1)*size]
		if from == t.DType {
			copy(dst, raw)
			return
		}
		kernel.ToF32(row, raw, from)
	}
	if t.DType.Quantised() {
		kernel.Quantize(dst, row, t.DType, t.Importance)
	} else {
		kernel.FromF32(dst, row, t.DType)
	}
}
