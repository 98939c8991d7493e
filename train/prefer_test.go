package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// preferring changes the tiny recipe to preferences of one answer over another, about a
// picture, by LoRA.
func preferring(t *testing.T) func(*Recipe) {
	t.Helper()
	images := conversations(t, 2).Images
	var rows []map[string]any
	for _, q := range []string{"What is it?", "What colour is it?", "How many are there?"} {
		turn := func(from, value string) map[string]string { return map[string]string{"from": from, "value": value} }
		rows = append(rows, map[string]any{
			"conversations": []any{turn("human", "<image>"+q)}, "images": []string{"dot.png"},
			"chosen": turn("gpt", "Yes."), "rejected": turn("gpt", "No, no."),
		})
	}
	text, err := json.Marshal(rows)
	check(t, err)
	path := filepath.Join(t.TempDir(), "ranked.json")
	check(t, os.WriteFile(path, text, 0o644))
	return withLoRA(t, func(r *Recipe) {
		r.Strict = true
		r.Model.Merge, r.Model.LoRA.ModulesToSave, r.Model.LoRA.Dropout, r.Model.LoRA.DoRA = false, nil, 0, false
		st := &r.Stages[0]
		st.Loss, st.Train, st.Groups = "preferences", []string{"lora"}, nil
		st.Batch, st.Accumulate, st.Steps, st.LR, st.Beta = 3, 1, 12, 0.02, 1
		st.Data = []Source{{Format: "sharegpt", Path: path, Images: images}}
	})
}

// TestPreferences: it begins at log 2, and the better answers become likelier.
func TestPreferences(t *testing.T) {
	r := tiny(t, preferring(t))
	_, steps := runAll(t, r)
	first, last := steps[0], steps[len(steps)-1]
	if math.Abs(first.Loss-math.Ln2) > 1e-6 || first.Terms["margin"] != 0 {
		t.Errorf("begins at %+v, want %v", first, math.Ln2)
	}
	if last.Terms["accuracy"] != 1 || last.Terms["margin"] < 0.05 || last.Loss > first.Loss-0.02 {
		t.Errorf("ends at %+v", last)
	}
	again := tiny(t, preferring(t), func(again *Recipe) { again.Stages[0].Data = r.Stages[0].Data })
	runFor(t, again, 5)
	if _, rest := runAll(t, again); !slices.EqualFunc(rest, steps[5:], func(a, b Step) bool { return a.Loss == b.Loss && a.Norm == b.Norm }) {
		t.Error("a run that was stopped goes on otherwise")
	}
}

// TestSupervisedPreferences: the better answers' own cross-entropy is a part of the loss.
func TestSupervisedPreferences(t *testing.T) {
	data := tiny(t, preferring(t)).Stages[0].Data
	first := func(supervised float64) (Step, []Step) {
		_, steps := runAll(t, tiny(t, preferring(t), func(r *Recipe) { r.Stages[0].Data, r.Stages[0].Supervised = data, supervised }))
		return steps[0], steps
	}
	plain, alone := first(0)
	taught, steps := first(2)
	if got, want := taught.Loss-plain.Loss, 2*plain.Terms["nll"]; plain.Terms["nll"] <= 0 || math.Abs(got-want) > 1e-6 {
		t.Errorf("the loss is greater by %v, want %v", got, want)
	}
	without, with := alone[len(alone)-1].Terms["nll"], steps[len(steps)-1].Terms["nll"]
	if with > without-0.002 || with > taught.Terms["nll"]-0.01 {
		t.Errorf("cross-entropy from %v to %v, and without it in the loss to %v", taught.Terms["nll"], with, without)
	}
}

// TestPreferencesKnowNoWeights: how likely an answer is does not depend on its weight.
func TestPreferencesKnowNoWeights(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ranked.jsonl")
	row := `{"messages": [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "Yes.", "loss_scale": 2}], "rejected_response": "No."}`
	check(t, os.WriteFile(path, []byte(row), 0o644))
	tr := newTrainer(t, tiny(t, preferring(t), func(r *Recipe) { r.Stages[0].Data = []Source{{Format: "swift", Path: path}} }))
	p, err := tr.stages[0].preference(0)
	check(t, err)
	if p.chosen.Labelled() == 0 || p.chosen.Weights != nil || p.rejected.Weights != nil {
		t.Errorf("weights %v and %v of %d labels", p.chosen.Weights, p.rejected.Weights, p.chosen.Labelled())
	}
}

// TestPreferenceGradients compares them with differences of the loss.
func TestPreferenceGradients(t *testing.T) {
	for _, supervised := range []float64{0, 0.7} {
		checkPreferenceGradients(t, supervised)
	}
}

func checkPreferenceGradients(t *testing.T, supervised float64) {
	t.Helper()
	tr := newTrainer(t, tiny(t, preferring(t), func(r *Recipe) { r.Stages[0].Supervised = supervised }))
	st := &tr.Recipe.Stages[0]
	check(t, tr.beginStage(st))
	nn.Walk(tr.Model.Net, func(name string, w *tensor.Tensor) {
		if strings.HasSuffix(name, "lora_B.weight") { // they begin at zero
			for i := range w.F32 {
				w.F32[i] = 0.02 * float32(i%5-2)
			}
		}
	})
	b := tr.stages[0].batch(0)
	loss := func() float64 {
		l, _, err := tr.prefer(b.preferences, st)
		check(t, err)
		return l
	}
	loss()
	type place struct {
		w    *tensor.Tensor
		i    int
		grad float64
	}
	var places []place
	for _, p := range tr.opt.params {
		i := 0
		for k, g := range p.t.Grad() {
			if math.Abs(float64(g)) > math.Abs(float64(p.t.Grad()[i])) {
				i = k
			}
		}
		places = append(places, place{p.t, i, float64(p.t.Grad()[i])})
	}
	const h = 5e-3
	checked := 0
	for _, p := range places {
		if math.Abs(p.grad) < 1e-3 {
			continue
		}
		old := p.w.F32[p.i]
		p.w.F32[p.i] = old + h
		up := loss()
		p.w.F32[p.i] = old - h
		down := loss()
		p.w.F32[p.i] = old
		if numeric := (up - down) / (2 * h); math.Abs(numeric-p.grad) > 0.02*math.Abs(p.grad)+1e-4 {
			t.Errorf("supervised %v: gradient %v, by differences %v", supervised, p.grad, numeric)
		}
		checked++
	}
	if checked < 4 {
		t.Errorf("%d gradients are large enough to be compared", checked)
	}
}

func TestPreferencesNeedLoRA(t *testing.T) {
	change := preferring(t)
	for want, more := range map[string]func(*Recipe){
		"needs lora": func(r *Recipe) { r.Model.LoRA = nil; r.Stages[0].Train = []string{"language"} },
		"has modules_to_save": func(r *Recipe) {
			r.Model.LoRA.ModulesToSave = []string{"multi_modal_projector"}
		},
	} {
		if err := newTrainer(t, tiny(t, change, more)).Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
