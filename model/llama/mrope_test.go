package llama

import (
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// TestSections: equal positions in all axes are those of text, and each axis turns the pairs of its section.
func TestSections(t *testing.T) {
	const fields = `"hidden_size": 16, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1, "vocab_size": 9`
	build := func(scaling string) *Model {
		return New(parseQwen2(t, `{`+fields+`, "rope_scaling": `+scaling+`}`))
	}
	plain, sectioned := build(`null`), build(`{"type": "mrope", "mrope_section": [2, 1, 5]}`)
	if want := []uint8{0, 0, 1, 2, 2, 2, 2, 2}; !slices.Equal(sectioned.axes, want) {
		t.Fatalf("axes %v, want %v", sectioned.axes, want)
	}
	angles := func(m *Model, positions [][3]int32) []float32 {
		s := &model.Sequence{X: tensor.New(2, 16), Positions: positions}
		return m.begin(&tensor.Ctx{Train: true}, s).angles.Cos
	}
	if !slices.Equal(angles(sectioned, [][3]int32{{0, 0, 0}, {1, 1, 1}}), angles(plain, nil)) {
		t.Error("equal positions turn otherwise than none")
	}
	a, b := angles(sectioned, [][3]int32{{3, 4, 5}, {6, 7, 8}}), angles(sectioned, [][3]int32{{3, 9, 5}, {6, 7, 8}})
	for i := range a {
		if (a[i] != b[i]) != (i == 2) {
			t.Errorf("another line changes cosine %d: %v", i, a[i] != b[i])
		}
	}
	for scaling, want := range map[string]string{
		`{"type": "mrope", "mrope_section": [2, 6]}`:     "mrope_section [2 6]",
		`{"type": "mrope", "mrope_section": [2, 2, 3]}`:  "want three that make 8",
		`{"type": "mrope", "mrope_section": [-1, 4, 5]}`: "mrope_section [-1 4 5]",
	} {
		if _, err := ParseQwen2([]byte(`{` + fields + `, "rope_scaling": ` + scaling + `}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", scaling, err, want)
		}
	}
}
