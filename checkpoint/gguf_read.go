package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// What a GGUF file may ask for before its tensors. Every count is also held against the bytes that are left.
const (
	maxGGUFHeader = 1 << 30
	maxGGUFName   = 1 << 16 // bytes of a key or the name of a tensor
	maxGGUFDepth  = 4       // of arrays within arrays
	ggufVersion   = 3       // 2 differs only in what it lets be big-endian
	ggufAlignment = 32
	alignmentKey  = "general.alignment"
)

// The types of metadata.
const (
	ggufUint8 uint32 = iota
	ggufInt8
	ggufUint16
	ggufInt16
	ggufUint32
	ggufInt32
	ggufFloat32
	ggufBool
	ggufString
	ggufArray
	ggufUint64
	ggufInt64
	ggufFloat64
)

// ggufReader reads what stands before the tensors' data.
type ggufReader struct {
	r    *bufio.Reader
	at   int64
	left int64
}

// readGGUF reads and validates all of a GGUF file of size bytes but the tensors' data.
func readGGUF(f io.ReaderAt, size int64) (header, map[string]any, error) {
	r := &ggufReader{left: min(size, maxGGUFHeader)}
	r.r = bufio.NewReaderSize(io.NewSectionReader(f, 0, r.left), 1<<16)
	tensors, keys, err := r.counts()
	if err != nil {
		return header{}, nil, err
	}
	kv, err := r.metadata(keys)
	if err != nil {
		return header{}, nil, err
	}
	align, err := alignment(kv)
	if err != nil {
		return header{}, nil, err
	}
	h, err := r.tensors(tensors)
	if err != nil {
		return header{}, nil, err
	}
	return h, kv, h.placeAligned(r.at, size, align)
}

// counts reads the fixed part: magic, version, the number of tensors and of keys.
func (r *ggufReader) counts() (tensors, keys uint64, err error) {
	var magic [len(ggufMagic)]byte
	if err := r.read(&magic); err != nil || string(magic[:]) != ggufMagic {
		return 0, 0, errors.New("does not start with GGUF: not a GGUF file?")
	}
	version, err := scalar[uint32](r)
	switch {
	case err != nil:
		return 0, 0, err
	case version&0xffff == 0 && version != 0:
		return 0, 0, fmt.Errorf("GGUF version %d in big-endian order; only little-endian files are read", bits.ReverseBytes32(version))
	case version == 1:
		return 0, 0, errors.New("GGUF version 1 is too old; convert the model again, to version 2 or 3")
	case version != 2 && version != ggufVersion:
		return 0, 0, fmt.Errorf("GGUF version %d, known are 2 and 3", version)
	}
	if tensors, err = scalar[uint64](r); err != nil {
		return 0, 0, err
	}
	if keys, err = scalar[uint64](r); err != nil {
		return 0, 0, err
	}
	// An entry of either kind has a name (8 bytes and more), 4 bytes of type or rank, and a value or the like.
	if err := r.fits("keys", keys, 8+1+4+1); err != nil {
		return 0, 0, err
	}
	return tensors, keys, r.fits("tensors", tensors, 8+4+4+8)
}

func (r *ggufReader) metadata(keys uint64) (map[string]any, error) {
	kv := map[string]any{}
	for i := range keys {
		key, err := r.name()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if _, ok := kv[key]; ok || key == "" {
			return nil, fmt.Errorf("key %q is empty or there twice", key)
		}
		kind, err := scalar[uint32](r)
		if err == nil {
			kv[key], err = r.value(kind)
		}
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
	}
	return kv, nil
}

func alignment(kv map[string]any) (int64, error) {
	v, ok := kv[alignmentKey]
	if !ok {
		return ggufAlignment, nil
	}
	n, ok := v.(uint32)
	if !ok || bits.OnesCount32(n) != 1 {
		return 0, fmt.Errorf("key %q is %v of type %T, want a power of two of type uint32", alignmentKey, v, v)
	}
	return int64(n), nil
}

func (r *ggufReader) value(kind uint32) (any, error) {
	switch kind {
	case ggufUint8:
		return scalar[uint8](r)
	case ggufInt8:
		return scalar[int8](r)
	case ggufUint16:
		return scalar[uint16](r)
	case ggufInt16:
		return scalar[int16](r)
	case ggufUint32:
		return scalar[uint32](r)
	case ggufInt32:
		return scalar[int32](r)
	case ggufFloat32:
		return scalar[float32](r)
	case ggufBool:
		return scalar[bool](r)
	case ggufUint64:
		return scalar[uint64](r)
	case ggufInt64:
		return scalar[int64](r)
	case ggufFloat64:
		return scalar[float64](r)
	case ggufString:
		return r.text(maxGGUFHeader)
	case ggufArray:
		return r.array(1)
	}
	return nil, fmt.Errorf("unknown type %d of a value", kind)
}

// array reads an array that is in depth-1 others.
func (r *ggufReader) array(depth int) (any, error) {
	kind, err := scalar[uint32](r)
	if err != nil {
		return nil, err
	}
	n, err := scalar[uint64](r)
	if err != nil {
		return nil, err
	}
	switch kind {
	case ggufUint8:
		return array[uint8](r, n)
	case ggufInt8:
		return array[int8](r, n)
	case ggufUint16:
		return array[uint16](r, n)
	case ggufInt16:
		return array[int16](r, n)
	case ggufUint32:
		return array[uint32](r, n)
	case ggufInt32:
		return array[int32](r, n)
	case ggufFloat32:
		return array[float32](r, n)
	case ggufBool:
		return array[bool](r, n)
	case ggufUint64:
		return array[uint64](r, n)
	case ggufInt64:
		return array[int64](r, n)
	case ggufFloat64:
		return array[float64](r, n)
	case ggufString:
		return elements(r, n, 8, func() (string, error) { return r.text(maxGGUFHeader) })
	case ggufArray:
		if depth >= maxGGUFDepth {
			return nil, fmt.Errorf("arrays within arrays, more than %d deep", maxGGUFDepth)
		}
		return elements(r, n, 4+8, func() (any, error) { return r.array(depth + 1) })
	}
	return nil, fmt.Errorf("unknown type %d of an array's elements", kind)
}

// fits refuses a count of things whose least size is given and that the file has no bytes for.
func (r *ggufReader) fits(what string, n uint64, least int) error {
	if n > uint64(r.left)/uint64(least) {
		return fmt.Errorf("%d %s, and %d bytes are left for them: truncated?", n, what, r.left)
	}
	return nil
}

// read fills the fixed-size value or slice that v points to.
func (r *ggufReader) read(v any) error {
	n := int64(binary.Size(v))
	if n > r.left {
		return fmt.Errorf("%d bytes are wanted, and %d are left: truncated?", n, r.left)
	}
	r.at, r.left = r.at+n, r.left-n
	return readError(binary.Read(r.r, binary.LittleEndian, v))
}

func scalar[T any](r *ggufReader) (v T, err error) {
	err = r.read(&v)
	return v, err
}

func array[T any](r *ggufReader, n uint64) ([]T, error) {
	var element T
	if err := r.fits("elements", n, binary.Size(element)); err != nil {
		return nil, err
	}
	v := make([]T, n)
	return v, r.read(v)
}

// elements reads an array of what has no fixed size: at least least bytes each. It grows as it reads, because their memory
// may take more room than the bytes that promise them.
func elements[T any](r *ggufReader, n uint64, least int, next func() (T, error)) ([]T, error) {
	if err := r.fits("elements", n, least); err != nil {
		return nil, err
	}
	v := make([]T, 0, min(n, 1<<16))
	for i := range n {
		element, err := next()
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		v = append(v, element)
	}
	return v, nil
}

func (r *ggufReader) name() (string, error) { return r.text(maxGGUFName) }

// text reads a string of at most limit bytes.
func (r *ggufReader) text(limit uint64) (string, error) {
	n, err := scalar[uint64](r)
	if err != nil {
		return "", err
	}
	if n > min(limit, uint64(r.left)) {
		return "", fmt.Errorf("a string of %d bytes, and at most %d are left or allowed", n, min(limit, uint64(r.left)))
	}
	b := make([]byte, n)
	err = r.read(b)
	return string(b), err
}
