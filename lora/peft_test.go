package lora

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// base is the model that testdata's adapters belong to; how all was made stands in
// testdata/README.md.
const base = "../train/testdata/gradients"

type sample struct{ IDs, Labels []int32 }

func tiny(t *testing.T) *llava.Model {
	t.Helper()
	config, err := os.ReadFile(base + "/config.json")
	check(t, err)
	cfg, err := llava.ParseConfig(config)
	check(t, err)
	m, err := llava.New(cfg)
	check(t, err)
	c, err := checkpoint.OpenDir(base)
	check(t, err)
	defer c.Close()
	var params []checkpoint.Param
	nn.Walk(m, func(name string, w *tensor.Tensor) { params = append(params, checkpoint.Param{Name: name, T: w}) })
	check(t, checkpoint.Bind(c, params, nil, checkpoint.BindOptions{}))
	for _, p := range params {
		p.T.Own()
	}
	return m
}

// quantise stores the language model's matrices of whole blocks.
func quantise(m any, d tensor.DType) {
	nn.Walk(m, func(name string, w *tensor.Tensor) {
		if elements, _ := d.Block(); strings.HasPrefix(name, "language_model.") && len(w.Shape) == 2 && w.Cols()%elements == 0 {
			w.Store(d, nil)
		}
	})
}

// samples are the conversations, the first alone and all of them packed.
func samples(t *testing.T, m *llava.Model) (first, all *model.Prompt) {
	t.Helper()
	var want struct{ Samples []sample }
	readJSON(t, base+"/expected.json", &want)
	c, err := checkpoint.Open(os.DirFS(base), "pixels.safetensors")
	check(t, err)
	defer c.Close()
	var prompts []*model.Prompt
	for i, s := range want.Samples {
		p := &model.Prompt{IDs: s.IDs, Labels: append(slices.Clone(s.Labels[1:]), -1)}
		for at := 0; at < len(s.IDs); at++ {
			if s.IDs[at] == m.Config().ImageTokenID {
				p.At = append(p.At, at)
				at += m.TokensPerImage() - 1
			}
		}
		if len(p.At) > 0 {
			px, err := c.Floats("pixels." + strconv.Itoa(i))
			check(t, err)
			per := len(px) / len(p.At)
			for k := range p.At {
				p.Images = append(p.Images, &model.Tiles{Views: model.Views{Pixels: slices.Clone(px[k*per : (k+1)*per]), Sizes: []image.Point{{X: 28, Y: 28}}}})
			}
		}
		prompts = append(prompts, p)
	}
	return prompts[0], model.Pack(prompts)
}

// answer is the logits of a prompt's last token.
func answer(c *tensor.Ctx, m *llava.Model, p *model.Prompt) []float32 {
	defer c.Reset()
	h := m.Language.Forward(c, m.Embed(c, p))
	y := m.Language.Logits(c, h)
	return slices.Clone(y.Row(y.Rows() - 1))
}

// moments are AdamW's of one parameter.
type moments struct{ m, v []float32 }

// adamW does step number n, from 1.
func adamW(net any, all map[string]moments, n int) {
	nn.Walk(net, func(name string, w *tensor.Tensor) {
		if !w.NeedsGrad() || !w.HasGrad() {
			return
		}
		if all[name].m == nil {
			all[name] = moments{make([]float32, w.Len()), make([]float32, w.Len())}
		}
		p := kernel.AdamWParams{
			LR: 3e-3, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, GradScale: 1,
			Correction1: 1 - math.Pow(0.9, float64(n)), Correction2: 1 - math.Pow(0.95, float64(n)),
		}
		if len(w.Shape) > 1 {
			p.WeightDecay = 0.1
		}
		kernel.AdamW(w.F32, all[name].m, all[name].v, w.Grad(), p)
		w.ZeroGrad()
	})
}

// TestPEFT reads adapters of PEFT, trains them on, and writes and merges them: the logits,
// losses and weights are PEFT's.
func TestPEFT(t *testing.T) {
	for _, name := range []string{"lora", "rslora", "dora", "vision", "q8_0", "q4_0"} {
		t.Run(name, func(t *testing.T) {
			m := tiny(t)
			if d, err := kernel.ParseDType(strings.ToUpper(name)); err == nil {
				quantise(m, d)
			}
			trainAsPEFT(t, m, filepath.Join("testdata", name))
		})
	}
}

// TestResume trains, writes adapter and moments by their names, goes on elsewhere, and
// wants the bits of a run that was not interrupted.
func TestResume(t *testing.T) {
	step := func(m *llava.Model, state map[string]moments, n int) {
		_, all := samples(t, m)
		c := &tensor.Ctx{Train: true, Draw: uint64(n)}
		c.Backward(model.Loss(c, m, all, float32(all.Labelled())))
		adamW(m, state, n)
	}
	m, state, out := tiny(t), map[string]moments{}, t.TempDir()
	a, err := Attach(m, Config{Rank: 3, Alpha: 6, Dropout: 0.2, DoRA: true, Targets: []string{"q_proj", "fc1"}, ModulesToSave: []string{"linear_2"}, Seed: 5})
	check(t, err)
	step(m, state, 1)
	check(t, a.Save(out, "", Naming{}))
	again, moved := tiny(t), map[string]moments{}
	b, err := Open(out, again, Naming{})
	check(t, err)
	b.Reseed(5)
	for name, s := range state {
		moved[name] = moments{slices.Clone(s.m), slices.Clone(s.v)}
	}
	for n := 2; n <= 3; n++ {
		step(m, state, n)
		step(again, moved, n)
	}
	_, want := nn.Params(m)
	names, got := nn.Params(again)
	for i := range got {
		if !slices.Equal(got[i].F32, want[i].F32) {
			t.Errorf("%s differs behind the interruption", names[i])
		}
	}
	if len(a.Layers) != len(b.Layers) || len(moved) < 2*len(b.Layers) {
		t.Errorf("%d layers and %d moments", len(b.Layers), len(moved))
	}
}

func trainAsPEFT(t *testing.T, m *llava.Model, dir string) {
	var want struct{ Loss, First, Last, Merged []float32 }
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	a, err := Open(dir, m, Naming{})
	check(t, err)
	first, all := samples(t, m)
	a.Settle(nil)
	infer, c := &tensor.Ctx{}, &tensor.Ctx{Train: true}
	within(t, "logits before", answer(infer, m, first), want.First)
	state := map[string]moments{}
	var losses []float32
	m.SetRecompute(true)
	for i := range want.Loss {
		loss := model.Loss(c, m, all, float32(all.Labelled()))
		losses = append(losses, loss.F32[0])
		c.Backward(loss)
		c.Reset()
		adamW(m, state, i+1)
	}
	within(t, "losses", losses, want.Loss)
	within(t, "logits behind", answer(infer, m, first), want.Last)
	a.Settle(nil)
	within(t, "logits of settled layers", answer(infer, m, first), want.Last)
	out := t.TempDir()
	check(t, a.Save(out, "gradients", Naming{}))
	sameWeights(t, filepath.Join(out, weightsFile), filepath.Join(dir, "trained.safetensors"))
	again := tiny(t)
	if m.Language.Blocks[0].Q.Weight.DType.Quantised() {
		quantise(again, m.Language.Blocks[0].Q.Weight.DType)
	}
	_, err = Open(out, again, Naming{})
	check(t, err)
	within(t, "logits of what was written", answer(infer, again, first), want.Last)
	pool := kernel.NewPool(1)
	defer pool.Close()
	pool.Compute = tensor.BF16 // which must not show
	a.Merge(pool, func(tensor.DType) tensor.DType { return tensor.F32 })
	within(t, "logits of the merged model", answer(infer, m, first), want.Merged)
	nn.Walk(m, func(name string, _ *tensor.Tensor) {
		if Update(name) {
			t.Errorf("%s is left behind the merge", name)
		}
	})
}

// sameWeights compares two files.
func sameWeights(t *testing.T, got, want string) {
	t.Helper()
	a, err := checkpoint.Open(os.DirFS(filepath.Dir(got)), filepath.Base(got))
	check(t, err)
	defer a.Close()
	b, err := checkpoint.Open(os.DirFS(filepath.Dir(want)), filepath.Base(want))
	check(t, err)
	defer b.Close()
	if !slices.Equal(a.Names(), b.Names()) {
		t.Fatalf("tensors %q, want %q", a.Names(), b.Names())
	}
	for _, name := range a.Names() {
		x, err := a.Floats(name)
		check(t, err)
		y, err := b.Floats(name)
		check(t, err)
		within(t, name, x, y)
	}
}

// within fails unless got is within 1e-4 of want.
func within(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for i := range want {
		largest = max(largest, math.Abs(float64(got[i])-float64(want[i])))
	}
	if !(largest <= 1e-4) {
		t.Errorf("%s: differs by %.3g", what, largest)
	}
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(name)
	check(t, err)
	check(t, json.Unmarshal(data, v))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
