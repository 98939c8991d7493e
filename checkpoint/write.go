package checkpoint

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Write writes tensors as one safetensors file, atomically: temporary file,
// fsync, rename. The order of tensors does not matter, and the same tensors and
// metadata give the same bytes.
func Write(path string, tensors []Param, metadata map[string]string) error {
	return wrap(writeFile(path, tensors, WriteOptions{Metadata: metadata}), "checkpoint: write %s", path)
}

// stored is a tensor with the dtype it is to be written in.
type stored struct {
	Param
	dtype  tensor.DType
	bytes  int64
	values func(p Param) ([]float32, error) // nil: those of the tensor
}

func writeFile(path string, tensors []Param, o WriteOptions) error {
	list, err := plan(tensors, o)
	if err != nil {
		return err
	}
	return writeStored(path, list, o.Metadata)
}

// plan decides on the dtypes and refuses what the format cannot say.
func plan(tensors []Param, o WriteOptions) ([]stored, error) {
	seen := map[string]bool{metadataKey: true}
	list := make([]stored, len(tensors))
	for i, p := range tensors {
		if seen[p.Name] || !utf8.ValidString(p.Name) {
			return nil, fmt.Errorf("tensor %q: the name is taken or not UTF-8", p.Name)
		}
		seen[p.Name] = true
		s := stored{Param: p, dtype: p.T.DType, values: o.Values}
		if o.DType != nil {
			s.dtype = o.DType(p)
		}
		if s.dtype.Quantised() {
			return nil, fmt.Errorf("tensor %q: safetensors has no dtype %v", p.Name, s.dtype)
		}
		if err := s.measure(); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", p.Name, err)
		}
		list[i] = s
	}
	return list, nil
}

func (s *stored) measure() (err error) {
	have, err := byteSize(s.T.Shape, s.T.DType)
	if err != nil {
		return err
	}
	n := int64(len(s.T.Raw))
	if s.T.DType == tensor.F32 {
		n = 4 * int64(len(s.T.F32))
	}
	if n != have && s.values == nil {
		return fmt.Errorf("%d bytes of data, %v takes %d", n, s.T, have)
	}
	if s.dtype != s.T.DType && !(s.dtype.Float() && s.T.DType.Float()) {
		return fmt.Errorf("cannot convert %v to %v", s.T.DType, s.dtype)
	}
	s.bytes, err = byteSize(s.T.Shape, s.dtype)
	return err
}

// order is how the reference implementation sorts tensors: dtypes of large
// alignment first, so that every tensor is aligned, then by name.
var order = []tensor.DType{
	kernel.U64, kernel.I64, kernel.F64, kernel.F32, kernel.U32, kernel.I32, kernel.BF16, kernel.F16,
	kernel.U16, kernel.I16, kernel.F8E4M3, kernel.F8E5M2, kernel.I8, kernel.U8, kernel.Bool,
}

func writeStored(path string, list []stored, metadata map[string]string) error {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b stored) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.dtype), slices.Index(order, b.dtype)), cmp.Compare(a.Name, b.Name))
	})
	head, err := encodeHeader(list, metadata)
	if err != nil {
		return err
	}
	return writeAtomic(path, func(f io.Writer) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, s := range list {
			if err := s.writeTo(w); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}

const metadataKey = "__metadata__"

// encodeHeader returns the length and the JSON, padded with spaces to a multiple of 8.
func encodeHeader(list []stored, metadata map[string]string) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 8))
	b.WriteByte('{')
	member := func(key string, value any) error {
		if b.Len() > 9 {
			b.WriteByte(',')
		}
		if err := appendJSON(b, key); err != nil {
			return err
		}
		b.WriteByte(':')
		return appendJSON(b, value)
	}
	if len(metadata) > 0 {
		if err := member(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	at := int64(0)
	for _, s := range list {
		entry := struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{s.dtype.String(), append([]int{}, s.T.Shape...), [2]int64{at, at + s.bytes}}
		if err := member(s.Name, entry); err != nil {
			return nil, err
		}
		at += s.bytes
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	n := b.Len() - 8
	if n > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, at most %d are allowed", n, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(n))
	return b.Bytes(), nil
}

// appendJSON is json.Marshal without the escapes that HTML asks for.
func appendJSON(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the newline
	return nil
}

// chunk is how many elements are converted at a time: a multiple of every block.
const chunk = 1 << 14

// writeTo writes the elements in s.dtype.
func (s *stored) writeTo(w io.Writer) error {
	if s.values != nil {
		return s.writeValues(w)
	}
	if s.dtype == s.T.DType && s.dtype != tensor.F32 {
		_, err := w.Write(s.T.Raw)
		return err
	}
	if s.dtype == tensor.F32 && s.T.DType == tensor.F32 && littleEndian {
		_, err := w.Write(bytesOf(s.T.F32))
		return err
	}
	var floats []float32
	if s.T.DType != tensor.F32 {
		floats = make([]float32, chunk)
	}
	out := make([]byte, s.dtype.Bytes(chunk))
	for from, n := 0, s.T.Len(); from < n; from += chunk {
		to := min(from+chunk, n)
		part := floats
		if s.T.DType == tensor.F32 {
			part = s.T.F32[from:to]
		} else {
			part = part[:to-from]
			kernel.ToF32(part, s.T.Raw[s.T.DType.Bytes(from):s.T.DType.Bytes(to)], s.T.DType)
		}
		raw := out[:s.dtype.Bytes(len(part))]
		kernel.FromF32(raw, part, s.dtype)
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// writeValues is writeTo for elements that are computed.
func (s *stored) writeValues(w io.Writer) error {
	values, err := s.values(s.Param)
	if err == nil && len(values) != s.T.Len() {
		err = fmt.Errorf("%d elements, %v has %d", len(values), s.T, s.T.Len())
	}
	if err != nil {
		return fmt.Errorf("tensor %q: %w", s.Name, err)
	}
	computed := stored{Param: Param{s.Name, tensor.From(values, s.T.Shape...)}, dtype: s.dtype}
	return computed.writeTo(w)
}

// bytesOf is the memory of f.
func bytesOf(f []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}
