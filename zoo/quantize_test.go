package zoo

import (
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
)

// TestQuantize stores the language model of every family in blocks, and nothing else.
func TestQuantize(t *testing.T) {
	x, err := checkpoint.ParseMixture("q8_0")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"llava15", "llava_next", "llava_onevision", "qwen2_vl", "qwen2_5_vl", "qwen2"} {
		m, err := OpenDir(fixtures + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Quantize(x, nil); err != nil {
			t.Fatal(err)
		}
		blocks := 0
		for _, p := range m.params() {
			if p.T.DType != kernel.Q8_0 {
				continue
			}
			if blocks++; m.Family.PartOf(p.Name) != "language" || strings.Contains(p.Name, "norm") {
				t.Errorf("%s: %s is quantised", name, p.Name)
			}
		}
		if blocks < 7 {
			t.Errorf("%s: %d matrices are quantised", name, blocks)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
