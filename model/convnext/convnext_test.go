package convnext

import (
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestReleasedSize counts the parameters of facebook/convnext-tiny-224 without its classifier.
func TestReleasedSize(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := nn.Count(m, nil); n != 27820128 || m.Width() != 768 {
		t.Errorf("%d parameters, want 27820128; width %d", n, m.Width())
	}
}

// TestEdges: what is left over at the right and bottom of a map is dropped at every stage.
func TestEdges(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"hidden_sizes": [4, 6, 8], "depths": [1, 1, 1], "patch_size": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	nn.Initializer{Std: func(string) float64 { return 0.1 }}.Init(m, rand.New(rand.NewPCG(1, 2)))
	v := &model.Views{Pixels: make([]float32, 2*3*13*22), Sizes: []image.Point{{X: 22, Y: 13}, {X: 22, Y: 13}}}
	f := m.Encode(&tensor.Ctx{}, v)
	if !slices.Equal(f.Starts, []int{0, 2, 4}) || !slices.Equal(f.X.Shape, []int{4, 8}) { // 22×13 → 11×6 → 5×3 → 2×1
		t.Errorf("starts %v, features %v", f.Starts, f.X.Shape)
	}
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{`:                     "unexpected end",
		`{"depths": [1]}`:       "depths [1], want one of each",
		`{"hidden_sizes": []}`:  "hidden_sizes []",
		`{"depths": [1,1,0,1]}`: "stage 2 has hidden size 384 and depth 0",
		`{"patch_size": 0}`:     "patch_size 0",
		`{"num_channels": 4}`:   "num_channels 4",
		`{"hidden_act": "x"}`:   "hidden_act",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "convnext: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}
