package verify

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/zoo"
)

// TestGGUF verifies models that went through GGUF files in float32. The stages behind the last feature layer, which is
// where an mmproj file ends, are skipped as they are otherwise.
func TestGGUF(t *testing.T) {
	for name, want := range map[string][4]int{ // cases, stages passed, failed, skipped
		"llava15":      {4, 53, 0, 6},
		"llava_next":   {3, 47, 0, 6},
		"qwen2_vl":     {4, 56, 0, 0},
		"qwen2_5_vl":   {4, 64, 0, 0},
		"qwen3_vl":     {4, 57, 0, 0},
		"stories260k":  {4, 16, 0, 0},
		"qwen2":        {3, 23, 0, 0},
		"qwen3":        {2, 18, 0, 0},
		"qwen2_untied": {1, 10, 0, 0},

		"llava_next_mistral": {2, 26, 0, 2},
		"llava_next_llama3":  {2, 26, 0, 2},
		"llava_next_qwen":    {2, 26, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := throughGGUF(t, name)
			r, err := Run(context.Background(), m, os.DirFS(fixtures+name), Options{Tolerance: Float32()})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
			if got := [4]int{r.CasesPassed, r.StagesPassed, r.StagesFailed, r.StagesSkipped}; got != want {
				t.Errorf("cases, stages passed, failed, skipped: %v, want %v", got, want)
			}
		})
	}
}

func throughGGUF(t *testing.T, fixture string) *zoo.Model {
	t.Helper()
	return asGGUF(t, fixtures+fixture, func(string, []int) kernel.DType { return kernel.F32 }, nil)
}

// asGGUF writes a checkpoint, after what edit does to it, as GGUF files and opens these.
func asGGUF(t *testing.T, dir string, choose zoo.Choose, edit func(*zoo.Model) error) *zoo.Model {
	t.Helper()
	hf, err := zoo.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer hf.Close()
	if edit != nil {
		if err := edit(hf); err != nil {
			t.Fatal(err)
		}
	}
	path, mmproj := filepath.Join(t.TempDir(), "m.gguf"), ""
	if hf.Pictures != nil {
		mmproj = filepath.Join(t.TempDir(), "mmproj.gguf")
	}
	if err := zoo.WriteGGUF(hf, path, mmproj, choose); err != nil {
		t.Fatal(err)
	}
	m, err := zoo.OpenGGUF(path, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// embedded is the model inside the binary. Its widths are multiples of 256, so that every
// quantised type is used as it is. What testdata/fovea_tiny expects was computed by
// transformers 5.24 (torch 2.15, float32) from the weights in embedded/fovea-tiny.
const embedded = "../../embedded/fovea-tiny"

// TestQuantised verifies a trained model whose language model went through GGUF files of
// every kind of type. docs/quantisation.md has the distances that -v prints; the limits
// are a third above them.
func TestQuantised(t *testing.T) {
	for _, test := range []struct {
		mixture   string
		tolerance float64
	}{
		{"f16", 1e-5}, {"q8_0", 0.013}, {"q6_k", 0.031}, {"q5_k_m", 0.08}, {"q5_0", 0.087}, {"q5_1", 0.089},
		{"q4_k_m", 0.13}, {"q4_0", 0.2}, {"q4_1", 0.16}, {"iq4_nl", 0.147}, {"q3_k_m", 0.2}, {"q2_k", 0.43},
	} {
		t.Run(test.mixture, func(t *testing.T) {
			x, err := checkpoint.ParseMixture(test.mixture)
			if err != nil {
				t.Fatal(err)
			}
			m := asGGUF(t, croppingTiny(t), nil, func(m *zoo.Model) error { return m.Quantize(x, nil) })
			r, err := Run(context.Background(), m, os.DirFS(fixtures+"fovea_tiny"), Options{Tolerance: Within(test.tolerance)})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
			stage, number, rel := r.worst()
			t.Logf("%.2g, of %s in case %d", rel, stage, number)
			if rel < test.tolerance/4 && x.Base != kernel.F16 {
				t.Errorf("the largest distance is %.2g, and %v is allowed: was nothing quantised?", rel, test.tolerance)
			}
		})
	}
}

// croppingTiny is the embedded model with pictures prepared as LLaVA's, which is what
// GGUF files can say. It is the same for square ones.
func croppingTiny(t *testing.T) string {
	dir := copied(t, "../embedded/fovea-tiny")
	p := readObject(t, dir, "preprocessor_config.json")
	p["size"] = map[string]any{"shortest_edge": 64}
	p["do_center_crop"], p["crop_size"] = true, 64
	writeObject(t, dir, "preprocessor_config.json", p)
	return dir
}

// TestEmbedded verifies the model inside the binary as it is.
func TestEmbedded(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	for compute, tolerance := range map[kernel.DType]Tolerance{kernel.F32: Float32(), kernel.BF16: BFloat16()} {
		m, err := zoo.OpenDir(embedded)
		if err != nil {
			t.Fatal(err)
		}
		pool.Compute = compute
		r, err := Run(context.Background(), m, os.DirFS(fixtures+"fovea_tiny"), Options{Tolerance: tolerance, Pool: pool})
		m.Close()
		if err != nil {
			t.Fatal(err)
		}
		wantPass(t, r)
	}
}
