package train

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// TestSmallPicturesOfQwenVL: a stage may show the tower smaller pictures than the next one.
func TestSmallPicturesOfQwenVL(t *testing.T) {
	r := tiny(t, func(r *Recipe) {
		r.Model, r.Stages = Start{From: "../testdata/qwen_vl"}, slices.Clone(r.Stages)
		r.Stages[0].Pictures = json.RawMessage(`{"size": {"height": 112, "width": 112}}`)
		r.Stages[1].Steps = 1
	})
	tr, steps := runAll(t, r)
	for i, want := range []int{112, 336} {
		p, err := tr.stages[i].prompt(0)
		check(t, err)
		if size := p.Images[0].Views.Size(); size.X != want || size.Y != want {
			t.Errorf("stage %d sees pictures of %v, want %d", i+1, size, want)
		}
	}
	if n := len(steps); n != 4 || !(steps[n-1].Loss > 0) {
		t.Errorf("%+v", steps)
	}
	r = tiny(t, func(r *Recipe) {
		r.Model, r.Stages = Start{From: "../testdata/qwen_vl"}, slices.Clone(r.Stages)
		r.Stages[0].Pictures = json.RawMessage(`{"size": {"height": 100, "width": 100}}`)
	})
	if _, err := New(r, nil); err == nil || !strings.Contains(err.Error(), "a multiple of 14") {
		t.Errorf("error %v", err)
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
