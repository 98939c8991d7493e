package nn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

type layer interface{ Forward() }

type value struct {
	*nn.Linear `ckpt:""`
}

func (value) Forward() {}

type block struct {
	Norm *nn.LayerNorm `ckpt:"input_norm"`
	Proj *nn.Linear    `ckpt:"attn.o_proj"`
}

type net struct {
	Table    *nn.Embedding  `ckpt:"embed"`
	Class    *tensor.Tensor `ckpt:"class"`
	Blocks   []*block       `ckpt:"layers"`
	Head     layer          `ckpt:"head"`
	NoHead   layer          `ckpt:"none"`
	NoNorm   *nn.RMSNorm    `ckpt:"none"`
	NoTensor *tensor.Tensor `ckpt:"none"`
	Hidden   *nn.Linear     // no part of the checkpoint
	Width    int
}

func newNet() *net {
	b := func() *block { return &block{nn.NewLayerNorm(64, 1e-5), nn.NewLinear(64, 64, true)} }
	return &net{
		Table: nn.NewEmbedding(100, 64), Class: tensor.Declare(64), Blocks: []*block{b(), b()},
		Head: value{nn.NewLinear(64, 3, false)}, Hidden: nn.NewLinear(2, 2, true),
	}
}

func TestWalk(t *testing.T) {
	want := []string{
		"embed.weight", "class",
		"layers.0.input_norm.weight", "layers.0.input_norm.bias", "layers.0.attn.o_proj.weight", "layers.0.attn.o_proj.bias",
		"layers.1.input_norm.weight", "layers.1.input_norm.bias", "layers.1.attn.o_proj.weight", "layers.1.attn.o_proj.bias",
		"head.weight",
	}
	m := newNet()
	names, tensors := nn.Params(m)
	if !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if tensors[0] != m.Table.Weight || tensors[1] != m.Class {
		t.Error("the tensors are not the model's own")
	}
	if got, want := nn.Count(m, nil), 6400+64+2*(64+64+4096+64)+192; got != want {
		t.Errorf("%d elements, want %d", got, want)
	}
	if got := nn.Count(m, func(name string) bool { return strings.HasPrefix(name, "head.") }); got != 192 {
		t.Errorf("%d elements of the head, want 192", got)
	}
	nn.Walk((*net)(nil), func(name string, _ *tensor.Tensor) { t.Errorf("a nil model has %s", name) })
}

func initialise(m *net, seed uint64, residual int) {
	in := nn.Initializer{Std: func(name string) float64 {
		if name == "embed.weight" {
			return 0.5
		}
		return 0.1
	}, Residual: residual}
	in.Init(m, rand.New(rand.NewPCG(seed, 0)))
}

func TestInit(t *testing.T) {
	m := newNet()
	loaded := []float32{1, 2, 3}
	m.Class = tensor.From(slices.Clone(loaded), 3)
	initialise(m, 1, 8)
	for _, c := range []struct {
		name string
		w    *tensor.Tensor
		mean float64
		std  float64
	}{
		{"table", m.Table.Weight, 0, 0.5},
		{"norm weight", m.Blocks[0].Norm.Weight, 1, 0},
		{"norm bias", m.Blocks[0].Norm.Bias, 0, 0},
		{"output onto the residual stream", m.Blocks[1].Proj.Weight, 0, 0.1 / 4},
		{"bias", m.Blocks[1].Proj.Bias, 0, 0},
		{"head", m.Head.(value).Weight, 0, 0.1},
	} {
		mean, std := moments(c.w.F32)
		n := math.Sqrt(float64(c.w.Len())) // within five standard errors
		if math.Abs(mean-c.mean) > 5*c.std/n || math.Abs(std-c.std) > 5*c.std/n/math.Sqrt2+1e-9 {
			t.Errorf("%s: mean %v and deviation %v, want %v and %v", c.name, mean, std, c.mean, c.std)
		}
	}
	if !slices.Equal(m.Class.F32, loaded) {
		t.Error("Init changed what had data")
	}
	if m.Hidden.Weight.HasData() {
		t.Error("Init gave data to what is no parameter")
	}
}

func TestInitIsDeterministic(t *testing.T) {
	elements := func(seed uint64, residual int) (all []float32) {
		m := newNet()
		initialise(m, seed, residual)
		nn.Walk(m, func(_ string, w *tensor.Tensor) { all = append(all, w.F32...) })
		return all
	}
	if !slices.Equal(elements(1, 2), elements(1, 2)) {
		t.Error("the same seed gave two models")
	}
	if slices.Equal(elements(1, 2), elements(2, 2)) {
		t.Error("two seeds gave the same model")
	}
	m := newNet()
	initialise(m, 1, 0)
	if _, std := moments(m.Blocks[0].Proj.Weight.F32); math.Abs(std-0.1) > 0.01 {
		t.Errorf("deviation %v without a depth, want 0.1", std)
	}
}

func moments(x []float32) (mean, std float64) {
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	for _, v := range x {
		std += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
	}
	return mean, math.Sqrt(std)
}

func TestFreeze(t *testing.T) {
	m := newNet()
	initialise(m, 1, 2)
	// A table in 16 bits, as a mapped checkpoint has it: 1 and 2.
	raw := slices.Repeat([]byte{0x00, 0x3c, 0x00, 0x40}, 3200)
	m.Table.Weight = &tensor.Tensor{Shape: []int{100, 64}, DType: tensor.F16, Raw: raw}
	mapped := m.Blocks[0].Proj.Weight.F32

	nn.Freeze(m, func(name string) bool { return !strings.HasPrefix(name, "head") })
	nn.Walk(m, func(name string, w *tensor.Tensor) {
		if w.NeedsGrad() == strings.HasPrefix(name, "head") {
			t.Errorf("%s: learns %v", name, w.NeedsGrad())
		}
	})
	if w := m.Table.Weight; w.DType != tensor.F32 || w.Raw != nil || w.F32[0] != 1 || w.F32[1] != 2 {
		t.Errorf("the table is %v", w)
	}
	own := m.Blocks[0].Proj.Weight.F32
	if &own[0] == &mapped[0] {
		t.Error("a parameter learns in memory that it does not own")
	}
	m.Class.Grad()[0] = 1

	nn.Freeze(m, func(name string) bool { return strings.HasPrefix(name, "layers") })
	if &m.Blocks[0].Proj.Weight.F32[0] != &own[0] {
		t.Error("a parameter that learnt before was copied again")
	}
	if m.Class.NeedsGrad() || m.Class.HasGrad() || m.Table.Weight.NeedsGrad() {
		t.Error("frozen parameters learn or keep gradients")
	}
}

func TestSinCos(t *testing.T) {
	const grid, width, amplitude = 3, 8, 0.5
	w := tensor.New(1+grid*grid, width)
	w.Row(0)[0] = 7
	if err := nn.SinCos(w, amplitude); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(w.Row(0), func(v float32) bool { return v != 0 }) {
		t.Errorf("the class token's row is %v", w.Row(0))
	}
	// The patch of column 0 and line 0 has sines 0 and cosines 1 on both axes.
	if got, want := w.Row(1), []float32{0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5}; !slices.Equal(got, want) {
		t.Errorf("row 1 is %v, want %v", got, want)
	}
	for p := range grid * grid {
		for other := range grid * grid {
			sameColumn, sameLine := p%grid == other%grid, p/grid == other/grid
			a, b := w.Row(1+p), w.Row(1+other)
			if slices.Equal(a[:4], b[:4]) != sameColumn || slices.Equal(a[4:], b[4:]) != sameLine {
				t.Errorf("patches %d and %d: %v and %v", p, other, a, b)
			}
		}
		column, first := float64(p%grid), w.Row(1 + p)[0]
		if want := amplitude * math.Sin(column); math.Abs(float64(first)-want) > 1e-7 {
			t.Errorf("patch %d starts with %v, want %v", p, first, want)
		}
	}
	for _, bad := range []*tensor.Tensor{tensor.New(9, 8), tensor.New(10, 6), tensor.New(0, 8), tensor.Declare(10, 8)} {
		if nn.SinCos(bad, 1) == nil {
			t.Errorf("SinCos fills %v", bad)
		}
	}
}

// TestKernels: kernels keep their names and are rows for everybody else.
func TestKernels(t *testing.T) {
	m := struct {
		Patch  *nn.Linear   `ckpt:"patch"`
		Blocks []*nn.Linear `ckpt:"blocks"`
		None   *nn.Linear   `ckpt:"none"`
	}{nn.NewKernel(4, true, 3, 2, 2), []*nn.Linear{nn.NewLinear(2, 2, false), nn.NewKernel(2, false, 1, 3, 3)}, nil}
	got := nn.Kernels(&m)
	if len(got) != 2 || !slices.Equal(got["patch.weight"], []int{4, 3, 2, 2}) || !slices.Equal(got["blocks.1.weight"], []int{2, 1, 3, 3}) {
		t.Errorf("%v", got)
	}
	if names, tensors := nn.Params(&m); len(names) != 4 || !slices.Equal(tensors[0].Shape, []int{4, 12}) {
		t.Errorf("%v, %v", names, tensors)
	}
}
