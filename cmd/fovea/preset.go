package main

import (
	"cmp"
	"embed"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// presets are the config.json of models as they were published.
//
//go:embed presets/*.json
var presets embed.FS

func presetNames() (names []string) {
	files, _ := presets.ReadDir("presets") // embedded: it is there
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	return names
}

// openPreset makes a model of a real shape with random weights, its language
// model stored as a mixture has it. Picture encoder and adapter are stored in
// F16 if the mixture is quantised, as in llama.cpp's files.
func openPreset(name, mixture string) (*zoo.Model, error) {
	m, err := blankPreset(name)
	if err != nil {
		return nil, err
	}
	x, err := checkpoint.ParseMixture(cmp.Or(mixture, "bf16"))
	if err != nil {
		return nil, err
	}
	f, err := newFiller(m, x)
	if err != nil {
		return nil, err
	}
	if err := enoughMemory(f.bytes(m)); err != nil {
		return nil, fmt.Errorf("preset %s as %s: %w", name, x.Name, err)
	}
	nn.Walk(m.Net, f.fill)
	return m, nil
}

// blankPreset is a preset without weights.
func blankPreset(name string) (*zoo.Model, error) {
	config, err := presets.ReadFile(path.Join("presets", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("unknown preset %q; known: %s", name, strings.Join(presetNames(), " "))
	}
	return zoo.Blank(config, name)
}

// enoughMemory refuses weights that do not fit, where the system tells what is free.
func enoughMemory(need int64) error {
	if free := availableMemory(); free > 0 && need > free {
		return fmt.Errorf("the weights take %s and %s of memory is free; try a smaller --quant", size(need), size(free))
	}
	return nil
}

// filler gives parameters random elements of about the size that trained ones
// have. A matrix repeats a few random rows: making billions of random numbers
// would take longer than the measurement, and speed does not depend on them.
type filler struct {
	plan   map[string]tensor.DType
	base   tensor.DType
	chunks map[chunk][]byte
}

func newFiller(m *zoo.Model, x checkpoint.Mixture) (f *filler, err error) {
	f = &filler{base: x.Base, chunks: map[chunk][]byte{}}
	if !x.Base.Quantised() {
		return f, nil
	}
	f.base = tensor.F16
	if _, generates := m.VLM(); generates {
		f.plan, err = m.DTypes(x)
	}
	return f, err
}

// chunk is a kind of random rows.
type chunk struct {
	dtype tensor.DType
	width int
}

const chunkRows = 16

func (f *filler) dtypeOf(name string, t *tensor.Tensor) tensor.DType {
	if d, ok := f.plan[name]; ok {
		return d
	}
	if len(t.Shape) < 2 {
		return tensor.F32
	}
	return f.base
}

// bytes is what all parameters will take.
func (f *filler) bytes(m *zoo.Model) (n int64) {
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) { n += int64(f.dtypeOf(name, t).Bytes(t.Len())) })
	return n
}

func (f *filler) fill(name string, t *tensor.Tensor) {
	dtype := f.dtypeOf(name, t)
	if len(t.Shape) < 2 {
		t.F32 = make([]float32, t.Len())
		repeat(t.F32, copy(t.F32, []float32{1})) // norms
		return
	}
	if dtype == tensor.F32 {
		t.F32 = make([]float32, t.Len())
		random(t.F32[:min(t.Len(), chunkRows*t.Cols())])
		repeat(t.F32, chunkRows*t.Cols())
		return
	}
	k := chunk{dtype, t.Cols()}
	if f.chunks[k] == nil {
		rows := tensor.New(chunkRows, k.width)
		random(rows.F32)
		rows.Store(dtype, nil)
		f.chunks[k] = rows.Raw
	}
	t.DType, t.Raw = dtype, make([]byte, dtype.Bytes(t.Len()))
	repeat(t.Raw, copy(t.Raw, f.chunks[k]))
}

func random(dst []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range dst {
		dst[i] = float32(r.NormFloat64() * 0.02)
	}
}

// repeat goes on with the first n elements to the end.
func repeat[E any](s []E, n int) {
	for n > 0 && n < len(s) {
		n += copy(s[n:], s[:n])
	}
}
