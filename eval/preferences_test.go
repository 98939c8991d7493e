package eval_test

import (
	"math"
	"testing"

	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/eval"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/zoo"
)

// TestPreferences: a model that has learned scenes gives right answers the greater
// probability; the rest compares it with itself without its adapter.
func TestPreferences(t *testing.T) {
	m, err := zoo.OpenDir("../embedded/fovea-tiny")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const pairs = 6
	rank := func() *eval.PreferenceReport {
		r, err := eval.Preferences(t.Context(), m, 1, pairs, scenes.Options{Types: []scenes.Type{scenes.ColourOf, scenes.Existence}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	alone := rank()
	if alone.Likelier < 0.8 || alone.Accuracy != 0 || alone.Margin != 0 || alone.Pairs != pairs {
		t.Errorf("without an adapter %+v", alone)
	}
	if err := m.AttachLoRA(lora.Config{Rank: 1, Alpha: 1, Targets: []string{"language_model.**.o_proj"}}); err != nil {
		t.Fatal(err)
	}
	for _, l := range m.Adapter.Layers {
		for i := range l.LoRA.A.F32 {
			l.LoRA.A.F32[i] = float32(i%3 - 1)
		}
	}
	if r := rank(); *r != *alone {
		t.Errorf("an adapter that changes nothing: %+v, want %+v", r, alone)
	}
	update := func(b float32) *eval.PreferenceReport {
		for _, l := range m.Adapter.Layers {
			for i := range l.LoRA.B.F32 {
				l.LoRA.B.F32[i] = b * float32(i%5-2)
			}
		}
		return rank()
	}
	up, down := update(1e-4), update(-1e-4)
	if up.Margin*down.Margin >= 0 || math.Abs(up.Accuracy+down.Accuracy-1) > 1e-9 {
		t.Errorf("updates of either sign: %+v and %+v", up, down)
	}
	if _, err := eval.Preferences(t.Context(), m, 1, pairs, scenes.Options{Side: 4}, nil); err == nil {
		t.Error("scenes of 4 pixels pass")
	}
}
