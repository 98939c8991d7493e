package generate_test

import (
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// TestInterleaved: a conversation with pictures among the words of several turns
// gives the same logits turn after turn as all at once, in every family that takes
// more pictures than one.
func TestInterleaved(t *testing.T) {
	for _, name := range []string{"llava15", "llava_next", "llava_onevision", "qwen_vl", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"} {
		m, err := zoo.OpenDir("../testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		vlm, _ := m.VLM()
		a, b := picture(t, "image0.png"), picture(t, "image1.png")
		conv := []model.Turn{
			user("Is <image> like <image>?", a, b), {Role: "assistant", Text: "No"},
			user("What?"), {Role: "assistant", Text: "A cat"},
			user("And <image>?", a),
		}
		turns := generate.NewSession(vlm, 0, nil)
		for n := 1; n <= len(conv); n += 2 {
			p := process(t, m, conv[:n]...)
			want := prefill(t, generate.NewSession(vlm, 0, nil), p)
			got, err := turns.Extend(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			near(t, name, slices.Clone(got), want)
			step(t, turns, 9) // is not what the assistant said
		}
		if p := process(t, m, conv...); len(p.At) != 3 || turns.Common(p) != len(p.IDs)-1 {
			t.Errorf("%s: pictures at %v, %d of %d tokens in common", name, p.At, turns.Common(p), len(p.IDs))
		}
	}
}
