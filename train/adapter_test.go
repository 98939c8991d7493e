package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

var tinyBase struct {
	sync.Once
	dir string
}

// withLoRA changes the tiny recipe to updates of low rank of the model that it makes,
// and the projector whole.
func withLoRA(t *testing.T, changes ...func(*Recipe)) func(*Recipe) {
	t.Helper()
	tinyBase.Do(func() {
		dir, err := os.MkdirTemp("", "tiny")
		check(t, err)
		r := tiny(t, func(r *Recipe) { r.Output = dir; r.DType = "F32" })
		runAll(t, r)
		tinyBase.dir = filepath.Join(dir, finalDir)
	})
	return func(r *Recipe) {
		r.Model = Start{From: tinyBase.dir, Merge: true, LoRA: &lora.Config{
			Rank: 2, Alpha: 4, Dropout: 0.1, DoRA: true, Targets: []string{"**.q_proj", "**.fc1"}, ModulesToSave: []string{"multi_modal_projector"},
		}}
		r.Stages = r.Stages[1:]
		r.Stages[0].Train = []string{"lora", "adapter"}
		lr := 1e-3
		r.Stages[0].Groups = []Group{{Params: []string{"adapter"}, LR: &lr}}
		r.Stages[0].Steps = 6
		for _, change := range changes {
			change(r)
		}
	}
}

// TestResumeLoRA stops runs with LoRA at every step; they go on to the same bits, over
// quantised weights too.
func TestResumeLoRA(t *testing.T) {
	for name, change := range map[string]func(*Recipe){
		"dense": func(*Recipe) {}, "quantised": func(r *Recipe) { r.Model.Quant = "q8_0" },
		"packed": func(r *Recipe) {
			r.Stages[0].Batch, r.Stages[0].Pack = 0, &Pack{Tokens: 300, Pool: 4}
		},
	} {
		low := withLoRA(t, change)
		whole := tiny(t, low)
		runAll(t, whole)
		want := outcomeOf(t, whole.Output)
		if !strings.Contains(want.adapter, "adapter_model.safetensors:") {
			t.Fatal("there is no adapter")
		}
		for n := 1; n < 6; n += 2 {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				t.Parallel()
				r := tiny(t, low)
				runFor(t, r, n)
				if tr, steps := runAll(t, r); len(steps) != 6-n || tr.Resumed() != 6 {
					t.Errorf("%d steps more, to %d", len(steps), tr.Resumed())
				}
				sameOutcome(t, r.Output, want)
			})
		}
	}
}

// TestLoRALearns: updates and what is saved whole move, and nothing else; the adapter
// over the base is the merged model.
func TestLoRALearns(t *testing.T) {
	r := tiny(t, withLoRA(t, func(r *Recipe) { r.DType = "F32" }))
	tr := newTrainer(t, r)
	before := weights(tr)
	check(t, tr.beginStage(&r.Stages[0]))
	nn.Walk(tr.Model.Net, func(name string, w *tensor.Tensor) {
		learns := lora.Update(name) || strings.HasPrefix(name, "multi_modal_projector")
		if w.NeedsGrad() != learns {
			t.Errorf("%s learns: %v", name, w.NeedsGrad())
		}
	})
	check(t, tr.Run(t.Context()))
	base, err := zoo.OpenDir(tinyBase.dir)
	check(t, err)
	defer base.Close()
	check(t, base.OpenLoRA(filepath.Join(r.Output, adapterDir), nil))
	if _, err := base.MergeLoRA(nil, func(d tensor.DType) tensor.DType { return d }); err != nil {
		t.Fatal(err)
	}
	merged, err := zoo.OpenDir(filepath.Join(r.Output, finalDir))
	check(t, err)
	defer merged.Close()
	want := weights(&Trainer{Model: base})
	changed := 0
	for name, w := range weights(&Trainer{Model: merged}) {
		if !sameBits(w, want[name]) {
			t.Errorf("%s of the merged model is not the base's with the adapter", name)
		}
		if !sameBits(w, before[name]) {
			changed++
		}
	}
	if changed == 0 {
		t.Error("nothing was learned")
	}
}

func TestLoRAThatTeachesNothing(t *testing.T) {
	r := tiny(t, withLoRA(t, func(r *Recipe) { r.Stages[0].Train, r.Stages[0].Groups = []string{"language"}, nil }))
	if err := newTrainer(t, r).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing learns") {
		t.Errorf("error %v", err)
	}
}
