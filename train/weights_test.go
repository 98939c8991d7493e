package train

import (
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// weightedRows are answers with weights, and a document with a picture in it: in
// ms-swift's format, with %s for the scales of the first two answers.
const weightedRows = `{"messages": [{"role": "user", "content": "<image>How many?"}, {"role": "assistant", "content": "Two."%s}, {"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "Yes, two."%s}], "images": ["dot.png"]}
{"messages": [{"role": "user", "content": "One and one?"}, {"role": "assistant", "content": "Two."}]}
{"messages": [{"role": "assistant", "content": "Here is a dot: <image> It is small.", "loss_scale": 0.5}], "images": ["dot.png"]}
`

// weightedTrainer is that of the rows, whose first two answers have these scales.
func weightedTrainer(t *testing.T, first, second string) *Trainer {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "dot.png"))
	check(t, err)
	check(t, png.Encode(f, image.NewRGBA(image.Rect(0, 0, 40, 30))))
	check(t, f.Close())
	name := filepath.Join(dir, "swift.jsonl")
	check(t, os.WriteFile(name, fmt.Appendf(nil, weightedRows, first, second), 0o644))
	from := []Source{{Format: "swift", Path: name, Images: dir}}
	return newTrainer(t, tiny(t, func(r *Recipe) {
		r.Stages = r.Stages[1:]
		r.Stages[0].Data = from
		r.Stages[0].Validate = &Validate{Data: from, Every: 1}
	}))
}

// rowsOf are the prompts of the rows, in their order.
func rowsOf(t *testing.T, tr *Trainer) []*model.Prompt {
	t.Helper()
	v := tr.valid[0]
	all := make([]*model.Prompt, len(v.fixed))
	for place := range v.fixed {
		var err error
		all[place], err = v.prompt(place)
		check(t, err)
	}
	return all
}

// apart is how far gradients are from others, by the length of these.
func apart(t *testing.T, got, want map[string][]float64) float64 {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("gradients of %d parameters, want %d", len(got), len(want))
	}
	diff, size := 0.0, 0.0
	for name, g := range want {
		for i, x := range g {
			diff, size = diff+(x-got[name][i])*(x-got[name][i]), size+x*x
		}
	}
	return math.Sqrt(diff / size)
}

// TestWeightOfAnswer: a weight of 2 adds what the answer's gradient is once more, and
// the other answer's stays. Labelled tokens are those of both.
func TestWeightOfAnswer(t *testing.T) {
	gradients := func(first, second string, labelled int) (*model.Prompt, float64, map[string][]float64) {
		tr := weightedTrainer(t, first, second)
		p := rowsOf(t, tr)[0]
		loss, all := gradientsOf(t, tr, []*model.Prompt{p}, labelled)
		return p, loss, all
	}
	const n = 7
	plain, loss, once := gradients("", "", n)
	heavy, lossHeavy, twice := gradients(`, "loss_scale": 2`, "", n)
	alone, lossAlone, first := gradients("", `, "loss_scale": 0`, n)
	if plain.Weights != nil || heavy.Labelled() != plain.Labelled() || alone.Labelled() >= plain.Labelled() || alone.Weights != nil {
		t.Errorf("labelled %d, with a weight %d, with a muted answer %d; weights %v, %v", plain.Labelled(), heavy.Labelled(), alone.Labelled(), plain.Weights, alone.Weights)
	}
	if math.Abs(lossHeavy-loss-lossAlone) > 1e-6*lossHeavy {
		t.Errorf("loss %v with a weight of 2, %v without, of which the answer has %v", lossHeavy, loss, lossAlone)
	}
	for name, g := range twice {
		for i := range g {
			g[i] -= once[name][i]
		}
	}
	if d := apart(t, twice, first); !(d < 1e-5) {
		t.Errorf("a weight of 2 adds a gradient that differs by %.2g from the answer's", d)
	}
}

// TestPackedWeightsAreUnpacked: packing changes no weight, neither of answers nor of
// documents with pictures in them.
func TestPackedWeightsAreUnpacked(t *testing.T) {
	tr := weightedTrainer(t, `, "loss_scale": 2`, `, "loss_scale": 0.25`)
	all := rowsOf(t, tr)
	labelled := 0
	for _, p := range all {
		labelled += p.Labelled()
	}
	if all[1].Weights != nil || all[2].Weights == nil || len(all[2].Images) != 1 {
		t.Fatalf("weights %v of an answer without, %v of a document with %d pictures", all[1].Weights, all[2].Weights, len(all[2].Images))
	}
	loss, want := gradientsOf(t, tr, all, labelled)
	together, got := gradientsOf(t, tr, []*model.Prompt{model.Pack(all)}, labelled)
	if d := apart(t, got, want); !(d < 1e-6) || math.Abs(loss-together) > 1e-6*loss {
		t.Errorf("loss %v packed, %v one by one; gradients differ by %.2g", together, loss, d)
	}
	for _, p := range all {
		p.Weights = nil
	}
	if _, plain := gradientsOf(t, tr, all, labelled); apart(t, plain, want) < 1e-2 {
		t.Error("weights change nothing")
	}
}

// TestTrainingWithWeights: the loss of a step, and that of the same samples in a
// validation, are the weighted sum by the number of labelled tokens.
func TestTrainingWithWeights(t *testing.T) {
	tr := weightedTrainer(t, `, "loss_scale": 2`, `, "loss_scale": 0.25`)
	st := &tr.Recipe.Stages[0]
	st.Steps, st.Batch, st.Accumulate, st.LR, st.Groups, st.Recompute = 1, 3, 1, 1e-12, nil, false
	loss, labelled := 0.0, 0
	for _, p := range rowsOf(t, tr) {
		loss += float64(model.Loss(&tensor.Ctx{}, tr.vlm, p, 1).F32[0])
		labelled += p.Labelled()
	}
	loss /= float64(labelled)
	var steps []Step
	tr.OnStep = func(s Step) { steps = append(steps, s) }
	check(t, tr.Run(t.Context()))
	if len(steps) != 1 || math.Abs(steps[0].Loss-loss) > 1e-5 || math.Abs(steps[0].Valid-loss) > 1e-5 || steps[0].Labelled != labelled {
		t.Errorf("%+v, want a loss of %v over %d tokens", steps, loss, labelled)
	}
}
