package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/tensor"
)

// Choose says what to store a matrix in, by its name in the GGUF file and its shape. Vectors, and what llama.cpp does
// not multiply by, are stored in F32 without asking.
type Choose func(name string, shape []int) kernel.DType

// GGUFOptions says how tensors are stored in a GGUF file.
type GGUFOptions struct {
	DType      Choose                      // nil keeps the dtypes
	FileType   uint32                      // general.file_type of the language model; 0: that of the commonest dtype
	Importance func(name string) []float32 // of a matrix's columns, for kernel.Quantize; may be nil, and return nil
}

// WriteGGUF writes a language model as a GGUF file that llama.cpp reads, and the tower and projector of LLaVA as
// another beside it, which is left out if mmproj is "". A nil choose keeps the dtypes.
func WriteGGUF(m *Model, path, mmproj string, choose Choose) error {
	return GGUFOptions{DType: choose}.Write(m, path, mmproj)
}

// Write is WriteGGUF with more to choose.
func (o GGUFOptions) Write(m *Model, path, mmproj string) error {
	if err := m.writeGGUF(path, mmproj, o); err != nil {
		return fmt.Errorf("zoo: %s: %w", m.Name, err)
	}
	return nil
}

func (m *Model) writeGGUF(path, mmproj string, o GGUFOptions) error {
	if m.Adapter != nil {
		return errUnmerged
	}
	switch net := m.Net.(type) {
	case *languageModel:
		if mmproj != "" {
			return errors.New("the model has no picture encoder to write")
		}
		return m.writeLanguage(path, net.Model, o)
	case *llava.Model:
		if mmproj != "" {
			if err := m.writePictures(mmproj, net, o); err != nil {
				return err
			}
		}
		return m.writeLanguage(path, net.Language, o)
	case *qwen2vl.Model:
		if mmproj != "" {
			if err := m.writeQwenPictures(mmproj, net, o); err != nil {
				return err
			}
		}
		return m.writeLanguage(path, net.Language, o)
	}
	return fmt.Errorf("a %s cannot be written as GGUF", m.Family.Architecture)
}

func (m *Model) writeLanguage(path string, net *llama.Model, o GGUFOptions) error {
	cfg := net.Config()
	metadata, err := m.languageMetadata(cfg)
	if err != nil {
		return err
	}
	tensors, err := ggufTensors(m.params(), languageName, o)
	if err != nil {
		return err
	}
	if architectureOf(cfg) == "llama" && !cfg.Interleaved {
		interleave(tensors, cfg.HeadDim)
	}
	if factors := cfg.FrequencyFactors(); factors != nil {
		tensors = append(tensors, checkpoint.GGUFTensor{Name: ropeFactors, T: tensor.From(factors, len(factors))})
	}
	return checkpoint.WriteGGUF(path, withTypes(metadata, tensors, o.FileType), tensors)
}

// architectureOf is llama.cpp's name. Its llama has biases too where the file has them.
func architectureOf(cfg llama.Config) string {
	vl := ""
	if cfg.RopeScaling != nil && cfg.RopeScaling.Sections != nil {
		vl = "vl"
	}
	switch {
	case cfg.QKNorm:
		return "qwen3" + vl
	case cfg.QKVBias:
		return "qwen2" + vl
	}
	return "llama"
}

// interleave orders the rows of queries and keys as llama.cpp's llama has them: the pairs that are rotated together
// are neighbours, not halves apart.
func interleave(tensors []checkpoint.GGUFTensor, head int) {
	neighbours := func(row int) int { return neighbour(row, head) }
	for i := range tensors {
		t := &tensors[i]
		switch {
		case !strings.Contains(t.Name, ".attn_q.") && !strings.Contains(t.Name, ".attn_k."):
		case strings.HasSuffix(t.Name, ".weight"):
			t.Row = neighbours
		default:
			t.T = reordered(t.T, neighbours)
		}
	}
}

// neighbour is the row of Hugging Face's layout that stands at a row of llama.cpp's.
func neighbour(row, head int) int {
	in := row % head
	return row - in + in%2*head/2 + in/2
}

// reordered is a vector in another order.
func reordered(v *tensor.Tensor, from func(int) int) *tensor.Tensor {
	f, out := make([]float32, v.Len()), make([]float32, v.Len())
	v.Floats(f)
	for i := range out {
		out[i] = f[from(i)]
	}
	return tensor.From(out, len(out))
}

// ggufTensors are the parameters that have names in GGUF, in the order of the model.
func ggufTensors(params []checkpoint.Param, theirs func(ours string) string, o GGUFOptions) ([]checkpoint.GGUFTensor, error) {
	var tensors []checkpoint.GGUFTensor
	for _, p := range params {
		name := theirs(p.Name)
		if name == "" {
			continue
		}
		if !p.T.HasData() {
			return nil, fmt.Errorf("parameter %q has no weights", p.Name)
		}
		t := checkpoint.GGUFTensor{Name: name, T: p.T}
		if matrix(name, p.T) {
			if t.DType = p.T.DType; o.DType != nil {
				t.DType = o.DType(name, p.T.Shape)
			}
			if o.Importance != nil && t.DType.Quantised() {
				t.Importance = o.Importance(name)
			}
		}
		tensors = append(tensors, t)
	}
	if len(tensors) == 0 {
		return nil, errors.New("no parameter has a name in GGUF")
	}
	return tensors, nil
}

// matrix reports whether llama.cpp multiplies by a tensor, in whatever dtype.
func matrix(name string, t *tensor.Tensor) bool {
	return len(t.Shape) > 1 && name != "v.position_embd.weight"
}

// fileTypes are llama.cpp's numbers of the commonest dtype of a file's matrices.
var fileTypes = map[kernel.DType]uint32{
	kernel.F32: 0, kernel.F16: 1, kernel.Q4_0: 2, kernel.Q4_1: 3, kernel.Q8_0: 7, kernel.Q5_0: 8, kernel.Q5_1: 9,
	kernel.Q2_K: 10, kernel.Q3_K: 12, kernel.Q4_K: 15, kernel.Q5_K: 17, kernel.Q6_K: 18, kernel.IQ4_NL: 25, kernel.BF16: 32,
}

// withTypes adds what the metadata says about the tensors' dtypes: general.file_type is file, unless 0.
func withTypes(metadata []checkpoint.KV, tensors []checkpoint.GGUFTensor, file uint32) []checkpoint.KV {
	elements := map[kernel.DType]int{}
	for _, t := range tensors {
		if len(t.T.Shape) > 1 {
			elements[t.DType] += t.T.Len()
		}
	}
	kinds := slices.SortedFunc(maps.Keys(elements), func(a, b kernel.DType) int {
		return cmp.Or(cmp.Compare(elements[b], elements[a]), cmp.Compare(a, b))
	})
	if file == 0 {
		file = fileTypes[kinds[0]]
	}
	metadata = append(metadata, checkpoint.KV{Key: "general.file_type", Value: file})
	if slices.ContainsFunc(kinds, kernel.DType.Quantised) {
		metadata = append(metadata, checkpoint.KV{Key: "general.quantization_version", Value: uint32(2)})
	}
	return metadata
}

// general is what every file begins with.
func (m *Model) general(architecture, kind string) []checkpoint.KV {
	return []checkpoint.KV{
		{Key: keyArchitecture, Value: architecture},
		{Key: "general.type", Value: kind},
		{Key: "general.name", Value: strings.TrimSuffix(filepath.Base(m.Name), ".gguf")},
	}
}

// writePictures writes the mmproj file. It names the feature layers, and ends with the last of them.
func (m *Model) writePictures(path string, net *llava.Model, o GGUFOptions) error {
	cfg := net.Config()
	metadata, err := m.pictureMetadata(net)
	if err != nil {
		return err
	}
	v := cfg.Vision
	swapped := v.IntermediateSize == v.HiddenSize // as llama.cpp takes it then
	all, err := ggufTensors(m.params(), func(ours string) string { return toTheirs(pictureNames(swapped), ours) }, o)
	if err != nil {
		return err
	}
	last := lastFeature(cfg)
	tensors := all[:0]
	for _, t := range all {
		var block int
		if _, err := fmt.Sscanf(t.Name, "v.blk.%d.", &block); err == nil && block >= last || strings.HasPrefix(t.Name, "v.post_ln.") {
			continue
		}
		if t.Name == "v.patch_embd.weight" {
			whole := *t.T
			whole.Shape = []int{v.HiddenSize, 3, v.PatchSize, v.PatchSize}
			t.T, t.DType = &whole, patchDType(t.DType)
		}
		tensors = append(tensors, t)
	}
	return checkpoint.WriteGGUF(path, withTypes(metadata, tensors, 0), tensors)
}

// patchDType is for the kernel of a convolution, which llama.cpp computes in F32 and F16 only.
func patchDType(d kernel.DType) kernel.DType {
	switch {
	case d == kernel.BF16:
		return kernel.F32
	case d.Quantised():
		return kernel.F16
	}
	return d
}

func lastFeature(cfg llava.Config) int {
	last := 0
	for _, l := range featureLayers(cfg) {
		last = max(last, int(l))
	}
	return last
}

// featureLayers counts from the front.
func featureLayers(cfg llava.Config) []int32 {
	var layers []int32
	for _, l := range cfg.FeatureLayers {
		if l < 0 {
			l += cfg.Vision.NumHiddenLayers + 1
		}
		layers = append(layers, int32(min(l, math.MaxInt32)))
	}
	return layers
}
