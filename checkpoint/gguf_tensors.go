package checkpoint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// maxGGUFRank is what ggml's tensors have at most.
const maxGGUFRank = 4

// tensors reads the list of tensors. What is wrong with single ones is told together.
func (r *ggufReader) tensors(n uint64) (header, error) {
	var h header
	var wrong problems
	seen := map[string]bool{}
	for i := range n {
		name, err := r.name()
		if err != nil {
			return h, fmt.Errorf("tensor %d: %w", i+1, err)
		}
		if seen[name] {
			return h, fmt.Errorf("tensor %q is there twice", name)
		}
		seen[name] = true
		e, err := r.entry()
		if err != nil {
			return h, fmt.Errorf("tensor %q: %w", name, err)
		}
		info, err := e.info(name)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("tensor %q: %v", name, err))
		}
		h.tensors = append(h.tensors, info)
	}
	if len(wrong) > 0 {
		return h, wrong
	}
	return h, nil
}

// ggufEntry describes a tensor as a file does.
type ggufEntry struct {
	sizes  []uint64 // innermost first
	kind   uint32
	offset uint64 // from the start of the data
}

func (r *ggufReader) entry() (e ggufEntry, err error) {
	rank, err := scalar[uint32](r)
	if err != nil {
		return e, err
	}
	if rank > maxGGUFRank {
		return e, fmt.Errorf("%d dimensions, at most %d are allowed", rank, maxGGUFRank)
	}
	if e.sizes, err = array[uint64](r, uint64(rank)); err != nil {
		return e, err
	}
	if e.kind, err = scalar[uint32](r); err != nil {
		return e, err
	}
	e.offset, err = scalar[uint64](r)
	return e, err
}

func (e *ggufEntry) info(name string) (info Info, err error) {
	info.Name = name
	if info.DType, err = ggufDType(e.kind); err != nil {
		return info, err
	}
	info.Shape = make([]int, len(e.sizes))
	for i, n := range e.sizes {
		if n > maxInt {
			return info, fmt.Errorf("dimension %d is too large", n)
		}
		info.Shape[len(e.sizes)-1-i] = int(n)
	}
	if e.offset > maxInt {
		return info, fmt.Errorf("offset %d is too large", e.offset)
	}
	info.offset = int64(e.offset)
	info.Bytes, err = byteSize(info.Shape, info.DType)
	return info, err
}

// placeAligned turns offsets in the data, which starts at the first multiple of align behind the header, into offsets
// in the file. Tensors start at multiples of align, and do not overlap.
func (h *header) placeAligned(end, size, align int64) error {
	if len(h.tensors) == 0 {
		return nil
	}
	start := end + (-end & (align - 1))
	if start > size {
		return fmt.Errorf("the data start at %d, and the file has %d bytes: truncated?", start, size)
	}
	slices.SortStableFunc(h.tensors, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.Bytes, b.Bytes))
	})
	var wrong problems
	before := Info{}
	for i := range h.tensors {
		t := &h.tensors[i]
		switch {
		case t.offset%align != 0:
			wrong = append(wrong, fmt.Sprintf("tensor %q: offset %d is no multiple of %d", t.Name, t.offset, align))
		case t.offset > size-start || t.Bytes > size-start-t.offset:
			wrong = append(wrong, fmt.Sprintf("tensor %q: %d bytes at %d lie behind the end of the file's %d bytes of data: truncated?",
				t.Name, t.Bytes, t.offset, size-start))
		case t.offset-before.offset < before.Bytes:
			wrong = append(wrong, fmt.Sprintf("tensor %q: its data overlap those of %q", t.Name, before.Name))
		}
		before = *t
	}
	if len(wrong) > 0 {
		return wrong
	}
	for i := range h.tensors {
		h.tensors[i].offset += start
	}
	return nil
}

// ggufTypes are ggml's names of the types of tensors, which are those of our dtypes, by their number in a file.
var ggufTypes = [...]string{
	0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
	10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K",
	16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
	24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16",
	34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}

func ggufDType(kind uint32) (tensor.DType, error) {
	if kind >= uint32(len(ggufTypes)) || ggufTypes[kind] == "" {
		return 0, fmt.Errorf("unknown type %d", kind)
	}
	d, err := kernel.ParseDType(ggufTypes[kind])
	if err != nil {
		return 0, fmt.Errorf("type %s (%d) cannot be read", ggufTypes[kind], kind)
	}
	return d, nil
}

// ggufType is the number of a dtype in files, or false if they have none.
func ggufType(d tensor.DType) (uint32, bool) {
	i := slices.Index(ggufTypes[:], d.String())
	return uint32(i), i >= 0
}
