package train

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model"
)

// validated adds to the tiny recipe's second stage, alone, measurements after every step.
func validated(patience int, more ...func(*Stage)) func(*Recipe) {
	return func(r *Recipe) {
		r.Stages = r.Stages[1:]
		st := &r.Stages[0]
		st.Validate = &Validate{Every: 1, Count: 5, Patience: patience, Data: []Source{
			{Format: "scenes", Seed: 77, Count: 2, Questions: 2}, {Format: "scenes", Seed: 78, Count: 9, Questions: 2},
		}}
		for _, f := range more {
			f(st)
		}
	}
}

// worse makes the stage's steps so long that validation is best early.
func worse(st *Stage) {
	st.Steps, st.LR, st.Warmup, st.Schedule, st.Groups = 8, 0.5, 0.5, "linear", nil
}

func TestValidationIsOfTheFirstSamplesByTurns(t *testing.T) {
	tr := newTrainer(t, tiny(t, validated(0)))
	v := tr.valid[0]
	if want := [][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}, {1, 2}}; len(v.fixed) != len(want) || v.fixed[4] != want[4] || v.fixed[2] != want[2] {
		t.Errorf("samples %v, want %v", v.fixed, want)
	}
	got, err := v.loss(&tr.ctx, tr.vlm)
	check(t, err)
	sum, labelled := 0.0, 0
	for place := range v.fixed {
		p, err := v.prompt(place)
		check(t, err)
		sum += float64(model.Loss(&tr.ctx, tr.vlm, p, 1).F32[0])
		labelled += p.Labelled()
		tr.ctx.Reset()
	}
	if want := sum / float64(labelled); math.Abs(got-want) > 1e-5 {
		t.Errorf("loss %v, want %v", got, want)
	}
}

func TestValidationChangesNoStep(t *testing.T) {
	_, plain := runAll(t, tiny(t, func(r *Recipe) { r.Stages = r.Stages[1:] }))
	r := tiny(t, validated(0), func(r *Recipe) { r.Stages[0].Validate.Every = 3 })
	_, steps := runAll(t, r)
	for i, s := range steps {
		if due := i == 2 || i == 3; (s.Valid > 0) != due {
			t.Errorf("step %d: valid %v", i+1, s.Valid)
		}
		if s.Valid = 0; !reflect.DeepEqual(s, plain[i]) {
			t.Errorf("step %d: %+v, want %+v", i+1, s, plain[i])
		}
	}
}

// The stage ends when patience does, with the weights of the best measurement,
// be they averages or not.
func TestPatience(t *testing.T) {
	for _, ema := range []float64{0, 0.5} {
		r := tiny(t, validated(2, worse), func(r *Recipe) { r.Stages[0].EMA = ema })
		tr, steps := runAll(t, r)
		best := 0
		for i, s := range steps {
			if s.Valid < steps[best].Valid {
				best = i
			}
		}
		if len(steps) == 8 || best != len(steps)-3 {
			t.Errorf("ended after step %d, the best was %d", len(steps), best+1)
		}
		v := newTrainer(t, tiny(t, validated(2, worse))).valid[0]
		got, err := v.loss(&tr.ctx, tr.vlm)
		check(t, err)
		if got != steps[best].Valid {
			t.Errorf("the model at the end has a loss of %v, the best was %v", got, steps[best].Valid)
		}
	}
}

func TestValidationThatIsWrong(t *testing.T) {
	for _, tc := range []struct{ name, validate, want string }{
		{"no data", `{"every": 1}`, "validate: data is empty"},
		{"every", `{"data": [{"format": "scenes", "count": 1}]}`, "validate: every 0"},
		{"source", `{"every": 1, "data": [{"format": "scenes"}]}`, "validate: data 1: scenes: count is 0"},
		{"patience", `{"every": 1, "patience": -1, "data": [{"format": "scenes", "count": 1}]}`, "patience -1"},
	} {
		_, err := ParseRecipe([]byte(recipeWith(``, `"steps": 1, "batch": 1, "lr": 1, "validate": `+tc.validate, `"format": "scenes", "count": 1`)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.want)
		}
	}
	r := tiny(t, validated(0, func(st *Stage) { st.MaxTokens = 1 }))
	if err := newTrainer(t, r).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "validate: no sample has a labelled token") {
		t.Errorf("error %v", err)
	}
}
