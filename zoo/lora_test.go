package zoo

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// newer gives names of the hub's LLaVA as transformers 4.52 and later has them.
func newer(name string) string {
	return strings.NewReplacer("language_model.model.", "model.language_model.", "language_model.lm_head.", "lm_head.",
		"vision_tower.", "model.vision_tower.", "multi_modal_projector.", "model.multi_modal_projector.").Replace(name)
}

// TestAdapterDialects wants an adapter under the names that the checkpoint uses, and to
// read those of another dialect.
func TestAdapterDialects(t *testing.T) {
	hub := openAdapted(t, "../testdata/llava15")
	dir := t.TempDir()
	params := hub.params()
	for i := range params {
		params[i].Name = newer(params[i].Name)
	}
	if err := CopyDescription(dir, hub.files); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteDir(dir, params, checkpoint.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	later := openAdapted(t, dir)
	saved := map[*Model][]string{}
	for _, m := range []*Model{hub, later} {
		out := t.TempDir()
		if err := m.SaveLoRA(out); err != nil {
			t.Fatal(err)
		}
		c, err := openFile(filepath.Join(out, "adapter_model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		saved[m] = c.Names()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		for _, base := range []string{"../testdata/llava15", dir} { // each on each
			again, err := OpenDir(base)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := again.OpenLoRA(out, nil); err != nil {
				t.Error(err)
			}
			if got := len(again.Adapter.Layers); got != len(hub.Adapter.Layers) {
				t.Errorf("%d layers, want %d", got, len(hub.Adapter.Layers))
			}
		}
	}
	var want []string
	for _, name := range saved[hub] {
		want = append(want, "base_model.model."+newer(strings.TrimPrefix(name, "base_model.model.")))
	}
	if slices.Sort(want); !slices.Equal(saved[later], want) {
		t.Errorf("names %q, want %q", saved[later][:3], want[:3])
	}
}

// openAdapted opens a model with an adapter of several parts.
func openAdapted(t *testing.T, dir string) *Model {
	t.Helper()
	m, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.AttachLoRA(lora.Config{Rank: 2, Alpha: 4, Targets: []string{"q_proj", "linear_2"}, ModulesToSave: []string{"linear_1"}}); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEveryFamilyTakesAdapters attaches to all linear layers of each fixture, saves,
// reads again, and merges.
func TestEveryFamilyTakesAdapters(t *testing.T) {
	for _, dir := range []string{"llava_next", "llava_onevision", "qwen2", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen_vl", "blip_vqa", "blip2_t5", "instructblip", "clip", "siglip", "dinov2", "convnext", "sphinx_tiny"} {
		t.Run(dir, func(t *testing.T) {
			m, err := OpenDir("../testdata/" + dir)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := m.AttachLoRA(lora.Config{Rank: 1, Alpha: 1, Targets: []string{"all-linear"}}); err != nil {
				t.Fatal(err)
			}
			for _, l := range m.Adapter.Layers {
				l.LoRA.B.F32[0] = 1
			}
			out := t.TempDir()
			if err := m.SaveLoRA(out); err != nil {
				t.Fatal(err)
			}
			n := len(m.Adapter.Layers)
			if _, err := m.MergeLoRA(nil, func(tensor.DType) tensor.DType { return tensor.F32 }); err != nil {
				t.Fatal(err)
			}
			if err := m.OpenLoRA(out, nil); err != nil {
				t.Fatal(err)
			}
			if got := len(m.Adapter.Layers); got != n || n == 0 {
				t.Errorf("%d layers, want %d", got, n)
			}
		})
	}
}

// TestQuantizeLeavesAdapters wants the matrices of an adapter in F32, and no GGUF file
// that lacks them.
func TestQuantizeLeavesAdapters(t *testing.T) {
	m := openAdapted(t, "../testdata/llava15")
	x, err := checkpoint.ParseMixture("q8_0")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Quantize(x, nil); err != nil {
		t.Fatal(err)
	}
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if lora.Update(name) && (w.DType != tensor.F32 || math.IsNaN(float64(w.F32[0]))) {
			t.Errorf("%s is %v", name, w)
		}
	})
	for _, err := range []error{
		WriteGGUF(m, filepath.Join(t.TempDir(), "m.gguf"), "", nil),
		m.WriteDir(t.TempDir(), func(d tensor.DType) tensor.DType { return d }),
	} {
		if err == nil || !strings.Contains(err.Error(), "merge it first") {
			t.Errorf("written with an adapter: error %v", err)
		}
	}
}

// TestGGUFAdapterRows reads an adapter of PEFT over a GGUF file, whose queries and keys
// have llama.cpp's order of rows, and wants the same weights where it is written again.
func TestGGUFAdapterRows(t *testing.T) {
	hub, err := OpenDir("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	dir := t.TempDir()
	path, mmproj := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "mm.gguf")
	if err := WriteGGUF(hub, path, mmproj, nil); err != nil {
		t.Fatal(err)
	}
	m, err := OpenGGUF(path, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.OpenLoRA("../testdata/llava15_lora", nil); err != nil {
		t.Fatal(err)
	}
	if err := m.SaveLoRA(dir); err != nil {
		t.Fatal(err)
	}
	want, err := openFile("../testdata/llava15_lora/adapter_model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got, err := openFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	turned := 0
	for _, name := range got.Names() {
		x, errX := got.Floats(name)
		y, errY := want.Floats(name)
		if err := errors.Join(errX, errY); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x, y) {
			t.Errorf("%s has changed on the way", name)
		}
	}
	for _, l := range m.Adapter.Layers {
		b, err := want.Floats("base_model.model." + l.Name + ".lora_B.weight")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(l.LoRA.B.F32, b) {
			turned++
		}
	}
	if turned != 2*3 { // queries and keys of each block
		t.Errorf("%d layers have another order of rows in the GGUF file, want 6", turned)
	}
}
