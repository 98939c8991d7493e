package train

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/zoo"
)

// TestMix: every tensor is the weighted sum, whatever the family, and the directory is whole.
func TestMix(t *testing.T) {
	for _, name := range []string{"llava15", "qwen_vl", "sphinx_tiny", "clip"} {
		source := filepath.Join("../testdata", name)
		other := filepath.Join(t.TempDir(), "other")
		check(t, os.MkdirAll(other, 0o755))
		a := openModel(t, source)
		check(t, zoo.CopyDescription(other, a.Files()))
		doubled := func(p checkpoint.Param) ([]float32, error) {
			f := make([]float32, p.T.Len())
			p.T.Floats(f)
			for i := range f {
				f[i] *= 2
			}
			return f, nil
		}
		check(t, checkpoint.WriteDir(other, modelParams(a.Net), checkpoint.WriteOptions{Values: doubled}))
		dir := filepath.Join(t.TempDir(), "mixed")
		check(t, Mix(dir, []Share{{source, 0.75}, {other, 0.25}}))
		mixed := openModel(t, dir)
		got, want := modelParams(mixed.Net), modelParams(a.Net)
		for i := range want {
			if !isScaled(got[i], want[i], 1.25) {
				t.Errorf("%s: %s is not the mix", name, want[i].Name)
			}
		}
	}
}

func isScaled(got, want checkpoint.Param, by float64) bool {
	g, w := make([]float32, got.T.Len()), make([]float32, want.T.Len())
	got.T.Floats(g)
	want.T.Floats(w)
	for i := range w {
		if math.Abs(float64(g[i])-by*float64(w[i])) > 0.005*math.Abs(float64(w[i]))+1e-6 { // stored in 16 bits
			return false
		}
	}
	return got.Name == want.Name && len(g) == len(w)
}

func TestMixErrors(t *testing.T) {
	const a = "../testdata/llava15"
	full := t.TempDir()
	check(t, os.WriteFile(filepath.Join(full, "x"), nil, 0o666))
	for _, c := range []struct {
		name   string
		dir    string
		shares []Share
		want   string
	}{
		{"one", "", []Share{{a, 1}}, "1 models, want two or more"},
		{"sum", "", []Share{{a, 0.5}, {a, 0.6}}, "sum to 1.1"},
		{"no number", "", []Share{{a, math.NaN()}, {a, 0.6}}, "the weight is NaN"},
		{"other kind", "", []Share{{a, 0.5}, {"../testdata/qwen_vl", 0.5}}, "is a LlavaForConditionalGeneration"},
		{"other shapes", "", []Share{{"../testdata/qwen2", 0.5}, {"../testdata/qwen2_untied", 0.5}}, "lm_head.weight"},
		{"not there", "", []Share{{a, 0.5}, {"nowhere", 0.5}}, "nowhere"},
		{"not empty", full, []Share{{a, 0.5}, {a, 0.5}}, "is not empty"},
	} {
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "mixed")
		}
		if err := Mix(dir, c.shares); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
