package checkpoint

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	maxHeader = 100_000_000 // bytes, as in the reference implementation
	maxRank   = 64
	maxInt    = math.MaxInt
)

// Info describes a stored tensor.
type Info struct {
	Name  string
	DType tensor.DType
	Shape []int
	Bytes int64  // size of the elements
	File  string // the file that holds it

	offset  int64   // of the elements in the file
	strides []int64 // in elements, by dimension; nil if they follow each other row by row
	parts   []Info  // tensors of other files that it is made of, along axis; nil: it is stored as it is
	axis    int
}

// header is what stands before the data of a safetensors file.
type header struct {
	tensors  []Info // in the order of the data
	metadata map[string]string
}

// readHeader reads and validates the header of a safetensors file of size bytes:
// a little-endian uint64 n, n bytes of JSON, and the data, which the tensors
// cover without holes or overlaps (https://github.com/huggingface/safetensors).
func readHeader(r io.ReaderAt, size int64) (header, error) {
	var head [8]byte
	if size < 8 {
		return header{}, fmt.Errorf("%d bytes are too few for a safetensors file", size)
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return header{}, readError(err)
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxHeader {
		return header{}, fmt.Errorf("header of %d bytes, at most %d are allowed: not a safetensors file?", n, maxHeader)
	}
	if int64(n) > size-8 {
		return header{}, fmt.Errorf("header of %d bytes in a file of %d: truncated?", n, size)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, 8); err != nil && n > 0 {
		return header{}, readError(err)
	}
	h, err := parseHeader(text)
	if err != nil {
		return header{}, fmt.Errorf("header: %w", err)
	}
	start := 8 + int64(n)
	return h, h.place(start, size-start)
}

// readError spares the caller from taking a file that shrank for the end of a loop.
func readError(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func parseHeader(text []byte) (header, error) {
	if len(text) == 0 || text[0] != '{' {
		return header{}, errors.New("does not start with {")
	}
	s, err := newStrict(text)
	if err != nil {
		return header{}, err
	}
	var h header
	err = s.object(func(key string) error {
		if key == metadataKey {
			h.metadata = map[string]string{}
			return s.object(func(k string) (err error) {
				h.metadata[k], err = s.str()
				return wrap(err, metadataKey+": %q", k)
			})
		}
		info, err := parseEntry(s, key)
		h.tensors = append(h.tensors, info)
		return wrap(err, "tensor %q", key)
	})
	if err != nil {
		return header{}, err
	}
	return h, s.end()
}

// wrap puts a formatted prefix before err; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

func parseEntry(s *strict, name string) (Info, error) {
	info := Info{Name: name}
	var offsets []int
	dtype := ""
	err := s.object(func(key string) (err error) {
		switch key {
		case "dtype":
			dtype, err = s.str()
		case "shape":
			info.Shape, err = s.ints(maxRank)
		case "data_offsets":
			offsets, err = s.ints(2)
		default:
			return fmt.Errorf("unknown key %q", key)
		}
		return wrap(err, "%s", key)
	})
	if err != nil {
		return info, err
	}
	if dtype == "" || info.Shape == nil || len(offsets) != 2 {
		return info, errors.New("needs dtype, shape and two data_offsets")
	}
	if info.DType, err = kernel.ParseDType(dtype); err != nil {
		return info, err
	}
	if info.DType.Quantised() {
		return info, fmt.Errorf("safetensors has no dtype %v", info.DType)
	}
	begin, end := offsets[0], offsets[1]
	if end < begin {
		return info, fmt.Errorf("data_offsets %v run backwards", offsets)
	}
	size, err := byteSize(info.Shape, info.DType)
	if err != nil {
		return info, err
	}
	if size != int64(end-begin) {
		return info, fmt.Errorf("%v %v takes %d bytes, data_offsets %v give it %d", info.DType, info.Shape, size, offsets, end-begin)
	}
	info.Bytes, info.offset = size, int64(begin)
	return info, nil
}

// byteSize is the memory of a shape. Even the dimensions beside a zero may not overflow.
func byteSize(shape []int, d tensor.DType) (int64, error) {
	elements, bytes := d.Block()
	if elements > 1 && (len(shape) == 0 || shape[len(shape)-1]%elements != 0) {
		return 0, fmt.Errorf("shape %v: rows of %v are multiples of %d elements", shape, d, elements)
	}
	n, empty := uint64(1), false
	for _, dim := range shape {
		if dim == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(dim))
		if hi != 0 || lo > maxInt {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n = lo
	}
	hi, n := bits.Mul64(n/uint64(elements), uint64(bytes))
	if hi != 0 || n > maxInt {
		return 0, fmt.Errorf("shape %v is too large", shape)
	}
	if empty {
		return 0, nil
	}
	return int64(n), nil
}

// place orders the tensors by their data and turns offsets in the data, which
// starts at start and has size bytes, into offsets in the file.
func (h *header) place(start, size int64) error {
	slices.SortStableFunc(h.tensors, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.Bytes, b.Bytes))
	})
	at := int64(0)
	for i := range h.tensors {
		t := &h.tensors[i]
		switch {
		case t.Bytes > size-t.offset:
			return fmt.Errorf("tensor %q: data from %d to %d lie behind the end of the file's %d bytes of data: truncated?",
				t.Name, t.offset, t.offset+t.Bytes, size)
		case t.offset < at:
			return fmt.Errorf("tensor %q: its data overlap those of %q", t.Name, h.tensors[i-1].Name)
		case t.offset > at:
			return fmt.Errorf("tensor %q: %d bytes before its data belong to no tensor", t.Name, t.offset-at)
		}
		at += t.Bytes
		t.offset += start
	}
	if at != size {
		return fmt.Errorf("%d bytes after the last tensor belong to no tensor", size-at)
	}
	return nil
}
