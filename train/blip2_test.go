package train

import (
	"math"
	"testing"
)

// TestTrainBLIP2 teaches the adapters of models whose picture stands ahead of the
// text, of an encoder-decoder model, and of one whose adapter reads the text by a
// tokenizer of its own, which must be in the final model.
func TestTrainBLIP2(t *testing.T) {
	for _, name := range []string{"blip2_opt", "blip2_t5", "instructblip"} {
		begin := func(r *Recipe) {
			r.Model, r.Stages = Start{From: "../testdata/" + name}, r.Stages[:1]
		}
		r := tiny(t, begin)
		tr, steps := runAll(t, r)
		for _, s := range steps {
			if !(s.Loss > 0) || math.IsInf(s.Loss, 1) {
				t.Errorf("%s: loss %v in step %d", name, s.Loss, s.Step)
			}
		}
		start, after := weights(newTrainer(t, tiny(t, begin))), weights(tr)
		for _, learns := range []string{"query_tokens", "language_projection.weight", "qformer.encoder.layer.0.crossattention.attention.key.weight"} {
			if sameBits(start[learns], after[learns]) {
				t.Errorf("%s: %s is as it was", name, learns)
			}
		}
		for w := range start {
			if tr.Model.Family.PartOf(w) != "adapter" && !sameBits(start[w], after[w]) {
				t.Errorf("%s: %s has changed", name, w)
			}
		}
		openModel(t, r.Output, finalDir)
	}
}
