package train

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestWholePicturesOfLLaVANeXT: a stage may show the whole picture alone before one
// that shows tiles too, as its projector is taught.
func TestWholePicturesOfLLaVANeXT(t *testing.T) {
	r := tiny(t, func(r *Recipe) {
		r.Model, r.Stages = Start{From: "../testdata/llava_next"}, slices.Clone(r.Stages)
		r.Stages[0].Train, r.Stages[0].Freeze = []string{"adapter"}, []string{"image_newline"}
		r.Stages[0].Pictures = json.RawMessage(`{"image_processor_type": "CLIPImageProcessor"}`)
		r.Stages[1].Steps = 1
	})
	tr, steps := runAll(t, r)
	for i, cut := range []bool{false, true} {
		p, err := tr.stages[i].prompt(0)
		check(t, err)
		if n := len(p.Images[0].Views.Sizes); (n > 1) != cut {
			t.Errorf("stage %d sees %d views of a picture", i+1, n)
		}
	}
	if n := len(steps); n != 4 || !(steps[n-1].Loss > 0) {
		t.Errorf("%+v", steps)
	}
	if m := openModel(t, r.Output, finalDir); m.Pictures.Tiling() == nil {
		t.Error("the final model sees no tiles")
	}
}
