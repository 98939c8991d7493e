package train

import (
	"math"
	"testing"
)

// TestTrainBLIP teaches models that read pictures by cross-attention: one that goes on
// from its text, and one whose encoder reads the question. The tower stays as it is.
func TestTrainBLIP(t *testing.T) {
	for name, learns := range map[string][]string{
		"blip_caption": {"text_decoder.cls.predictions.decoder.weight", "text_decoder.bert.encoder.layer.0.crossattention.self.key.weight"},
		"blip_vqa":     {"text_encoder.embeddings.word_embeddings.weight", "text_decoder.cls.predictions.bias"},
	} {
		begin := func(r *Recipe) {
			r.Model, r.Stages = Start{From: "../testdata/" + name}, r.Stages[:1]
			r.Stages[0].Train = []string{"language"}
		}
		r := tiny(t, begin)
		tr, steps := runAll(t, r)
		for _, s := range steps {
			if !(s.Loss > 0) || math.IsInf(s.Loss, 1) {
				t.Errorf("%s: loss %v in step %d", name, s.Loss, s.Step)
			}
		}
		start, after := weights(newTrainer(t, tiny(t, begin))), weights(tr)
		for _, w := range learns {
			if sameBits(start[w], after[w]) {
				t.Errorf("%s: %s is as it was", name, w)
			}
		}
		for w := range start {
			if tr.Model.Family.PartOf(w) != "language" && !sameBits(start[w], after[w]) {
				t.Errorf("%s: %s has changed", name, w)
			}
		}
		openModel(t, r.Output, finalDir)
	}
}
