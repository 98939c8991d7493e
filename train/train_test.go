package train

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestStagesTrainTheirParts(t *testing.T) {
	align := func(r *Recipe) { r.Stages = r.Stages[:1] }
	begin := weights(newTrainer(t, tiny(t, align)))
	tr, _ := runAll(t, tiny(t, align))
	for name, w := range weights(tr) {
		learns := tr.Model.Family.PartOf(name) == "adapter"
		if sameBits(w, begin[name]) == learns {
			t.Errorf("%s: changed is %v, want %v", name, !learns, learns)
		}
	}
}

func TestFrozenPartsCostNothing(t *testing.T) {
	tr := newTrainer(t, tiny(t))
	st := &tr.Recipe.Stages[0]
	check(t, tr.beginStage(st))
	_, err := tr.step(tr.stages[0], tr.stages[0].batch(0))
	check(t, err)
	nn.Walk(tr.Model.Net, func(name string, w *tensor.Tensor) {
		if learns := tr.Model.Family.PartOf(name) == "adapter"; w.HasGrad() != learns {
			t.Errorf("%s: has a gradient: %v", name, w.HasGrad())
		}
	})
	for _, p := range tr.opt.params {
		if tr.Model.Family.PartOf(p.name) != "adapter" {
			t.Errorf("the optimizer has %s", p.name)
		}
	}
}

// Features come from the last block but one: the last neither decays nor has
// moments, and still learns nothing after a resume.
func TestUnusedBlocksStay(t *testing.T) {
	instruct := func(r *Recipe) { r.Stages = r.Stages[1:]; r.Stages[0].Decay = 0.5 }
	begin := weights(newTrainer(t, tiny(t, instruct)))
	r := tiny(t, instruct)
	runFor(t, r, 2)
	tr, _ := runAll(t, r)
	unused := 0
	for name, w := range weights(tr) {
		if strings.Contains(name, "vision") && strings.Contains(name, "layers.1.") {
			unused++
			if !sameBits(w, begin[name]) {
				t.Errorf("%s changed", name)
			}
		}
	}
	if unused == 0 {
		t.Error("no unused block")
	}
}

func TestAccumulatedLossIsOfTheWholeBatch(t *testing.T) {
	trace := func(batch, accumulate int) []Step {
		_, steps := runAll(t, tiny(t, func(r *Recipe) {
			r.Stages = r.Stages[1:]
			r.Stages[0].Batch, r.Stages[0].Accumulate = batch, accumulate
		}))
		return steps
	}
	whole, parts := trace(4, 1), trace(2, 2)
	for i, s := range whole {
		p := parts[i]
		if math.Abs(s.Loss-p.Loss) > 1e-5 || math.Abs(s.Norm-p.Norm) > 1e-4 || s.Labelled != p.Labelled || s.Tokens != p.Tokens {
			t.Errorf("step %d: %+v in one part, %+v in two", i+1, s, p)
		}
	}
}

func TestRecomputeChangesNoBit(t *testing.T) {
	tower := map[bool]int{} // linear layers of the tower that ran
	grads := func(recompute bool) map[string][]float32 {
		tr := newTrainer(t, tiny(t))
		w := tr.witness()
		tr.ctx.Inputs = func(weight, _ *tensor.Tensor) {
			if strings.Contains(w.names[weight], "vision_model.encoder") {
				tower[recompute]++
			}
		}
		st := tr.Recipe.Stages[1]
		st.Recompute = recompute
		check(t, tr.beginStage(&st))
		p := tr.stages[1].batch(0).parts[0]
		tr.ctx.Backward(model.Loss(&tr.ctx, tr.vlm, p, float32(p.Labelled())))
		all := map[string][]float32{}
		for _, p := range tr.opt.params {
			if p.t.HasGrad() {
				all[p.name] = p.t.Grad()
			}
		}
		return all
	}
	with, without := grads(true), grads(false)
	if tower[true] != 2*tower[false] || tower[false] == 0 {
		t.Errorf("the tower ran %d linear layers, %d where all is kept", tower[true], tower[false])
	}
	if len(with) != len(without) || len(with) == 0 {
		t.Fatalf("%d gradients with, %d without", len(with), len(without))
	}
	for name, g := range with {
		if !sameBits(g, without[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestWorkersChangeNoBit(t *testing.T) {
	want, r := uninterruptedTiny(t), tiny(t)
	pool := kernel.NewPool(3)
	defer pool.Close()
	tr, err := New(r, pool)
	check(t, err)
	defer tr.Close()
	check(t, tr.Run(t.Context()))
	sameOutcome(t, r.Output, want)
}

func TestTooLongSamplesAreSkippedAndCounted(t *testing.T) {
	_, all := runAll(t, tiny(t))
	_, some := runAll(t, tiny(t, func(r *Recipe) { r.Stages[1].MaxTokens = 80 }))
	skipped := 0
	for i, s := range some {
		skipped += s.Skipped
		if s.Skipped == 0 && s.Labelled == 0 || s.Tokens > all[i].Tokens || all[i].Skipped != 0 {
			t.Errorf("step %d: %+v", i+1, s)
		}
	}
	if skipped == 0 {
		t.Error("no sample was skipped")
	}
}

func TestBatchThatTeachesNothing(t *testing.T) {
	nothing := func(r *Recipe) { r.Stages = r.Stages[1:]; r.Stages[0].MaxTokens = 1 }
	begin := weights(newTrainer(t, tiny(t, nothing)))
	r := tiny(t, nothing)
	runFor(t, r, 2)
	tr, steps := runAll(t, r)
	if len(steps) != 2 {
		t.Errorf("%d steps after the resume, want 2", len(steps))
	}
	for _, s := range steps {
		if s.Skipped != 4 || s.Loss != 0 || s.Norm != 0 || s.Labelled != 0 {
			t.Errorf("%+v", s)
		}
	}
	for name, w := range weights(tr) {
		if !sameBits(w, begin[name]) {
			t.Errorf("%s changed", name)
		}
	}
}

func TestLossThatIsNoNumber(t *testing.T) {
	r := tiny(t, func(r *Recipe) { r.Stages = r.Stages[1:]; r.Stages[0].LR = 1e30 })
	err := newTrainer(t, r).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "train: stage instruct: step ") || !strings.Contains(err.Error(), "lower lr") {
		t.Errorf("error %v", err)
	}
}

func TestRunLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	runFor(t, tiny(t), 1)
	r := tiny(t, func(r *Recipe) { r.Stages = r.Stages[1:]; r.Stages[0].LR = 1e30 })
	if newTrainer(t, r).Run(t.Context()) == nil {
		t.Error("no error")
	}
	for range 100 { // a goroutine that was waited for may still be on its last instructions
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
