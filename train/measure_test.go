package train

import (
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// measured makes the stages of a recipe measure two things and guard a text.
func measured(most float64) func(*Recipe) {
	return func(r *Recipe) {
		for i := range r.Stages {
			r.Stages[i].Measure = []Measure{{Benchmark: "scenes", Count: 1}}
		}
		r.Stages[1].Forget = &Forget{Text: "book.txt", Most: most}
	}
}

// measuring makes a trainer whose measures depend on the weights alone, and counts them.
func measuring(t *testing.T, r *Recipe, asked *[]string) *Trainer {
	t.Helper()
	tr := newTrainer(t, r)
	tr.Measure = func(_ context.Context, m *zoo.Model, what Measure) ([]Metric, error) {
		*asked = append(*asked, what.Benchmark)
		sum := 0.0
		nn.Walk(m.Net, func(_ string, w *tensor.Tensor) {
			f := make([]float32, w.Len())
			w.Floats(f)
			sum += float64(f[0])
		})
		return []Metric{{what.Benchmark, 100 + sum}}, nil
	}
	return tr
}

// TestMeasures: what stages measure is told, kept, and the same when the run is stopped at any place.
func TestMeasures(t *testing.T) {
	r := tiny(t, measured(0))
	var asked []string
	tr := measuring(t, r, &asked)
	var told []Measured
	tr.OnMeasured = func(rows []Measured) { told = append(told, rows...) }
	check(t, tr.Run(t.Context()))
	if want := "scenes scenes perplexity scenes perplexity"; strings.Join(asked, " ") != want { // one is known from the stage before
		t.Errorf("measured %v, want %v", asked, want)
	}
	if len(told) != 3 || !reflect.DeepEqual(told, tr.Measured()) || !reflect.DeepEqual(told[0].After, told[1].Before) {
		t.Fatalf("%+v", told)
	}
	var kept []Measured
	check(t, json.Unmarshal([]byte(readText(t, r.Output, measuresFile)), &kept))
	if !reflect.DeepEqual(kept, told) || kept[2].Measure.Text != "book.txt" || kept[2].Ratio() == 1 {
		t.Errorf("%+v, told %+v", kept, told)
	}
	sameOutcome(t, r.Output, uninterruptedTiny(t))

	for _, stop := range []int{1, 3, 4, 7} {
		r := tiny(t, measured(0))
		runMeasured(t, r, stop)
		var asked []string
		tr := measuring(t, r, &asked)
		check(t, tr.Run(t.Context()))
		if !reflect.DeepEqual(tr.Measured(), told) {
			t.Errorf("stopped after %d steps: %+v, want %+v", stop, tr.Measured(), told)
		}
	}
}

// runMeasured stops a run that measures after n steps.
func runMeasured(t *testing.T, r *Recipe, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asked []string
	tr := measuring(t, r, &asked)
	tr.OnStep = func(Step) {
		if n--; n == 0 {
			stop()
		}
	}
	if err := tr.Run(ctx); ctx.Err() == nil {
		t.Fatalf("it was not stopped: %v", err)
	}
}

// TestForget: a stage that forgets too much fails, again where it goes on, and not with another limit.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	for _, most := range []float64{1e-3, 1e-3, 1e3} {
		r := tiny(t, measured(most))
		r.Output = dir
		var asked []string
		err := measuring(t, r, &asked).Run(t.Context())
		switch {
		case most < 1 && (err == nil || !strings.Contains(err.Error(), "book.txt") || !strings.Contains(err.Error(), "forget allows 0.001")):
			t.Errorf("error %v", err)
		case most > 1:
			check(t, err)
		}
	}
}

func TestMeasuresThatAreWrong(t *testing.T) {
	for want, stage := range map[string]string{
		`measure 1: benchmark "mme"`:  `"measure": [{"benchmark": "mme"}]`,
		"scenes: count is missing":    `"measure": [{"benchmark": "scenes"}]`,
		"easy-vqa: path is missing":   `"measure": [{"benchmark": "easy-vqa"}]`,
		"count -1":                    `"measure": [{"benchmark": "scenes", "count": -1}]`,
		"forget: most -1":             `"forget": {"most": -1}`,
		`the nearest known is "most"`: `"forget": {"mostt": 1}`,
	} {
		if _, err := ParseRecipe([]byte(recipeWith(``, `"steps": 1, "batch": 1, "lr": 1, `+stage, `"format": "scenes", "count": 1`))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	r := tiny(t, measured(0))
	if err := newTrainer(t, r).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody has said how") {
		t.Errorf("error %v", err)
	}
}

// TestLoad takes parts of a model, under other names, into a new one.
func TestLoad(t *testing.T) {
	first := tiny(t)
	tr := newTrainer(t, first)
	from := t.TempDir()
	names := map[string]string{"vision_tower.": "tower.", "language_model.": "language_model."}
	var stored []checkpoint.Param
	for _, p := range modelParams(tr.Model.Net) {
		for is, was := range names {
			if rest, ok := strings.CutPrefix(p.Name, is); ok {
				stored = append(stored, checkpoint.Param{Name: was + rest, T: p.T})
			}
		}
	}
	check(t, checkpoint.WriteDir(from, stored, checkpoint.WriteOptions{}))
	want := weights(tr)
	load := Load{From: from, Params: []string{"vision", "language_model.**.layers.1"}, Rename: [][2]string{{"tower.", "vision_tower."}}}
	second := newTrainer(t, tiny(t, func(r *Recipe) { r.Seed, r.Model.Load = 4, []Load{load} }))
	for name, w := range weights(second) {
		taken := fits(load.Params, name, second.Model.Family.PartOf(name))
		drawn := !strings.Contains(name, "norm") && !strings.HasSuffix(name, "bias") && !strings.HasSuffix(name, "position_embedding.weight")
		if same := sameBits(w, want[name]); taken && !same || !taken && drawn && same {
			t.Errorf("%s: taken %v, and is it the other's: %v", name, taken, same)
		}
	}
	check(t, second.Run(t.Context()))
}

func TestLoadErrors(t *testing.T) {
	const from = "../testdata/llava15"
	for _, c := range []struct {
		load Load
		want string
	}{
		{Load{From: from, Params: []string{"vision_towr"}}, `load 1: params: "vision_towr" fits no parameter`},
		{Load{From: from, Params: []string{"vision"}}, "misshapen: model.safetensors"},
		{Load{From: "../testdata/stories260k", Params: []string{"adapter"}}, "missing: multi_modal_projector.linear_1.weight"},
		{Load{From: "../testdata/none", Params: []string{"adapter"}}, "none"},
		{Load{From: from, Params: []string{"adapter"}, Rename: [][2]string{{"^(", ""}}}, "rename rule"},
	} {
		r := tiny(t, func(r *Recipe) { r.Model.Load = []Load{c.load} })
		tr, err := New(r, nil)
		if err == nil {
			check(t, tr.Close())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for want, load := range map[string]string{
		"load 1: from is missing": `{"params": ["vision"]}`,
		"load 1: params is empty": `{"from": "x"}`,
		"load 1: params: \"a/b\"": `{"from": "x", "params": ["a/b"]}`,
		"rename 1":                `{"from": "x", "params": ["vision"], "rename": [["", "x"]]}`,
	} {
		recipe := strings.Replace(recipeWith(``, `"steps": 1, "batch": 1, "lr": 1`, `"format": "scenes", "count": 1`), `"from": "y"`, `"from": "y", "load": [`+load+`]`, 1)
		if _, err := ParseRecipe([]byte(recipe)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestDocuments: texts and texts with pictures in them are learned whole.
func TestDocuments(t *testing.T) {
	for _, s := range []Source{
		{Format: "passages", Path: "testdata/passages.txt"},
		{Format: "interleaved", Path: "testdata/passages.txt", Count: 5, Side: 64, Langs: []string{"en"}},
	} {
		r := tiny(t, func(r *Recipe) { r.Stages = r.Stages[:1]; r.Stages[0].Data = []Source{s}; r.Stages[0].MaxTokens = 250 })
		tr, steps := runAll(t, r)
		p, err := tr.stages[0].prompt(0)
		check(t, err)
		pictures := 0
		if s.Format == "interleaved" {
			pictures = 1
		}
		if len(p.Images) != pictures || p.Labelled() < len(p.IDs)-1-6 || steps[0].Labelled == 0 { // all but <s> and, of a picture, the places
			t.Errorf("%s: %d pictures, %d of %d tokens are taught", s.Format, len(p.Images), p.Labelled(), len(p.IDs))
		}
	}
	for want, s := range map[string]string{
		"interleaved: count is 0":   `"format": "interleaved", "path": "x"`,
		"passages: path is missing": `"format": "passages"`,
	} {
		if _, err := ParseRecipe([]byte(recipeWith(``, `"steps": 1, "batch": 1, "lr": 1`, s))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	r := tiny(t, func(r *Recipe) {
		r.Stages[0].Data = []Source{{Format: "passages", Path: filepath.Join(t.TempDir(), "none")}}
	})
	if _, err := New(r, nil); err == nil || !strings.Contains(err.Error(), "change path in the recipe") {
		t.Errorf("error %v", err)
	}
}
