package checkpoint

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"

	"github.com/fovea-ml/fovea/internal/pickle"
)

// The names under which Hugging Face directories keep PyTorch's files.
const (
	torchName      = "pytorch_model.bin"
	torchIndexName = "pytorch_model.bin.index.json"
)

// What files begin with: archives, and pickles of PyTorch before 1.6.
const (
	zipMagic    = "PK\x03\x04"
	pickleMagic = "\x80\x02\x8a\x0a"
)

// Limits on the containers in a file.
const (
	maxDepth     = 16
	maxVisits    = 1 << 22
	maxPickle    = 64 << 20 // bytes
	maxPickleOps = 1 << 22
)

// torchFile is an archive that torch.save wrote: a pickle, and the elements of
// every storage uncompressed in an entry of its own.
type torchFile struct {
	prefix  string // of all names in the archive
	size    int64
	entries map[string]*zip.File
	tensors []Info
	visits  int
}

// readTorch reads the names and places of the tensors of a file of size bytes
// (https://pytorch.org/docs/stable/notes/serialization.html). Tensors in
// dictionaries and lists are named by the keys on the way, joined by dots; what
// is neither is passed over.
func readTorch(r io.ReaderAt, size int64) (header, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return header{}, err
	}
	f := &torchFile{size: size, entries: map[string]*zip.File{}}
	if err := f.index(z); err != nil {
		return header{}, err
	}
	program, err := f.read("data.pkl", maxPickle)
	if err != nil {
		return header{}, err
	}
	root, err := pickle.Load(program, torchNames{}, maxPickleOps)
	if err != nil {
		return header{}, fmt.Errorf("data.pkl: %w", err)
	}
	err = f.collect("", root, 0)
	return header{tensors: f.tensors}, err
}

// index finds the entries and their common prefix.
func (f *torchFile) index(z *zip.Reader) error {
	for _, e := range z.File {
		if f.entries[e.Name] != nil {
			return fmt.Errorf("two entries %q", e.Name)
		}
		f.entries[e.Name] = e
		if dir, base := path.Split(e.Name); base == "data.pkl" {
			f.prefix = dir
		}
	}
	if f.entries[f.prefix+"data.pkl"] == nil {
		return errors.New("a ZIP archive without data.pkl: not written by torch.save")
	}
	if f.entries[f.prefix+"byteorder"] == nil {
		return nil
	}
	order, err := f.read("byteorder", 16)
	if err == nil && string(order) != "little" {
		err = fmt.Errorf("byteorder %q, want little", order)
	}
	return err
}

// place is where the bytes of an entry lie in the file.
func (f *torchFile) place(name string) (offset, size int64, err error) {
	e := f.entries[f.prefix+name]
	if e == nil {
		return 0, 0, fmt.Errorf("no entry %q", f.prefix+name)
	}
	if e.Method != zip.Store || e.CompressedSize64 != e.UncompressedSize64 {
		return 0, 0, fmt.Errorf("entry %q is compressed: not written by torch.save", e.Name)
	}
	if offset, err = e.DataOffset(); err != nil {
		return 0, 0, fmt.Errorf("entry %q: %w", e.Name, err)
	}
	if offset < 0 || offset > f.size || e.UncompressedSize64 > uint64(f.size-offset) {
		return 0, 0, fmt.Errorf("entry %q: %d bytes at %d of a file of %d: truncated?", e.Name, e.UncompressedSize64, offset, f.size)
	}
	return offset, int64(e.UncompressedSize64), nil
}

// read returns a small entry, its checksum verified.
func (f *torchFile) read(name string, atMost int64) ([]byte, error) {
	_, size, err := f.place(name)
	if err != nil {
		return nil, err
	}
	if size > atMost {
		return nil, fmt.Errorf("entry %q has %d bytes, at most %d are allowed", f.prefix+name, size, atMost)
	}
	r, err := f.entries[f.prefix+name].Open()
	if err != nil {
		return nil, fmt.Errorf("entry %q: %w", f.prefix+name, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	return data, wrap(errors.Join(err, r.Close()), "entry %q", f.prefix+name)
}

// collect walks through the containers and takes the tensors.
func (f *torchFile) collect(name string, v any, depth int) error {
	if f.visits++; f.visits > maxVisits || depth > maxDepth {
		return errors.New("data.pkl: its containers are nested too deeply, or in themselves")
	}
	switch v := v.(type) {
	case *pyTensor:
		info, err := f.tensor(name, v)
		f.tensors = append(f.tensors, info)
		return wrap(err, "tensor %q", name)
	case *pickle.Dict:
		for i, key := range v.Keys {
			if err := f.collect(under(name, key), v.Values[i], depth+1); err != nil {
				return err
			}
		}
	case *pickle.List:
		return f.collect(name, pickle.Tuple(v.Items), depth+1)
	case pickle.Tuple:
		for i, item := range v {
			if err := f.collect(under(name, int64(i)), item, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// under is the name of what stands in a container. Keys that are no names have none.
func under(name string, key any) string {
	part := ""
	switch k := key.(type) {
	case string:
		part = k
	case int64:
		part = strconv.FormatInt(k, 10)
	}
	if name == "" || part == "" {
		return name + part
	}
	return name + "." + part
}

// tensor finds the elements of a tensor in the file.
func (f *torchFile) tensor(name string, t *pyTensor) (Info, error) {
	if name == "" {
		return Info{}, errors.New("it stands in no dictionary, and has no name")
	}
	info := Info{Name: name, DType: t.storage.dtype, Shape: make([]int, len(t.shape))}
	for i, n := range t.shape {
		if n > maxInt {
			return info, fmt.Errorf("shape %v is too large", t.shape)
		}
		info.Shape[i] = int(n)
	}
	offset, size, err := f.place("data/" + t.storage.key)
	if err != nil {
		return info, err
	}
	if info.Bytes, err = byteSize(info.Shape, info.DType); err != nil {
		return info, err
	}
	element := int64(info.DType.Size())
	elements := size / element
	if t.storage.elements > elements || info.Bytes > size || !t.within(elements) {
		return info, fmt.Errorf("%v %v with strides %v from element %d leaves its storage of %d bytes", info.DType, t.shape, t.strides, t.offset, size)
	}
	info.offset = offset + t.offset*element
	if !t.contiguous() {
		info.strides = t.strides
	}
	return info, nil
}

// within reports whether the tensor lies in the first n elements of its storage.
func (t *pyTensor) within(n int64) bool {
	last := t.offset
	for i, dim := range t.shape {
		if dim == 0 {
			return t.offset <= n
		}
		if t.strides[i] > 0 && dim-1 > n/t.strides[i] {
			return false
		}
		if last += (dim - 1) * t.strides[i]; last < 0 || last > n {
			return false
		}
	}
	return last < n
}

// contiguous reports whether elements follow each other row by row.
func (t *pyTensor) contiguous() bool {
	next := int64(1)
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.strides[i] != next {
			return false
		}
		next *= t.shape[i]
	}
	return true
}
