package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
)

// TestTrainQwenVL teaches the adapters of models whose parameters have names of
// their own, and wants these in the final model, beside the tokenizer.
func TestTrainQwenVL(t *testing.T) {
	for _, name := range []string{"qwen_vl", "qwen3_vl"} {
		begin := func(r *Recipe) {
			r.Model, r.Stages = Start{From: "../testdata/" + name}, r.Stages[:1]
		}
		r := tiny(t, begin)
		tr, _ := runAll(t, r)
		start, after := weights(newTrainer(t, tiny(t, begin))), weights(tr)
		for w := range start {
			part := tr.Model.Family.PartOf(w)
			if changed := !sameBits(start[w], after[w]); changed != (part == "adapter") {
				t.Errorf("%s: %s, of %s, changed: %v", name, w, part, changed)
			}
		}
		openModel(t, r.Output, finalDir)
		if got, want := stored(t, filepath.Join(r.Output, finalDir)), stored(t, "../testdata/"+name); !slices.Equal(got, want) {
			t.Errorf("%s: tensors %v, want %v", name, got, want)
		}
	}
}

// stored are the names and shapes of a checkpoint's tensors.
func stored(t *testing.T, dir string) (all []string) {
	t.Helper()
	c, err := checkpoint.Open(os.DirFS(dir), ".")
	check(t, err)
	defer c.Close()
	for _, name := range c.Names() {
		info, _ := c.Info(name)
		all = append(all, fmt.Sprint(name, info.Shape))
	}
	slices.Sort(all)
	return all
}
