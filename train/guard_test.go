package train

import (
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// scaleWeights multiplies the parameters whose names have a piece.
func scaleWeights(t *testing.T, tr *Trainer, piece string, by float32) {
	t.Helper()
	found := false
	nn.Walk(tr.Model.Net, func(name string, w *tensor.Tensor) {
		if strings.Contains(name, piece) {
			found = true
			for i := range w.F32 {
				w.F32[i] *= by
			}
		}
	})
	if !found {
		t.Fatalf("no parameter has %q in its name", piece)
	}
}

func TestGuardNamesTheFirstThatIsNotFinite(t *testing.T) {
	type factors map[string]float32
	for _, tc := range []struct {
		name   string
		scale  factors
		change func(*Recipe)
		want   string
	}{
		{"weight", factors{"vision_model.encoder.layers.0.mlp.fc1.weight": float32(math.Inf(1))}, nil,
			"vision_model.encoder.layers.0.mlp.fc1.weight is no longer finite"},
		{"tower", factors{"vision_model.encoder.layers.0.mlp.fc2.weight": 3e38, "vision_model.encoder.layers.0.mlp.fc1.weight": 1e4}, nil,
			"vision.hidden.1 is the first that is not finite, behind the input of vision_tower.vision_model.encoder.layers.0.mlp.fc2.weight"},
		{"projector", factors{"multi_modal_projector.linear_2.weight": 3e38, "multi_modal_projector.linear_1.weight": 1e6}, nil,
			"image_features is the first that is not finite, behind the input of multi_modal_projector.linear_2.weight"},
		{"language model", factors{"layers.1.mlp.down_proj.weight": 3e38, "layers.1.mlp.up_proj.weight": 1e4}, nil,
			"behind the input of language_model.model.layers.1.mlp.down_proj.weight"},
		{"gradient", factors{"model.norm.weight": 1e30, "layers.1.post_attention_layernorm.weight": 1e30,
			"layers.1.mlp.gate_proj.weight": 1e-30, "layers.1.mlp.up_proj.weight": 1e-30}, nil,
			"the gradient of language_model.model.layers.1.mlp."},
		{"BF16", factors{"vision_model.encoder.layers.0.mlp.fc2.weight": 3e38, "vision_model.encoder.layers.0.mlp.fc1.weight": 1e4}, func(r *Recipe) { r.Compute = "BF16" }, "set compute to F32"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := tiny(t, func(r *Recipe) { r.Stages = r.Stages[1:] })
			if tc.change != nil {
				tc.change(r)
			}
			tr := newTrainer(t, r)
			for piece, by := range tc.scale {
				scaleWeights(t, tr, piece, by)
			}
			err := tr.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "stage instruct: step 1: the loss is") {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestDivergence(t *testing.T) {
	series := func(losses func(i int) float64, n int) (stopped int) {
		var tr trend
		for i := range n {
			if tr.add(losses(i)); tr.check(mostOfBest) != nil {
				return i + 1
			}
		}
		return 0
	}
	for _, tc := range []struct {
		name     string
		loss     func(i int) float64
		from, to int // when it stops; 0 if never
	}{
		{"falls", func(i int) float64 { return 6 * math.Exp(-float64(i)/100) }, 0, 0},
		{"one spike", func(i int) float64 { return map[bool]float64{true: 40, false: 1}[i == 300] }, 0, 0},
		{"luck near zero", func(i int) float64 { return map[bool]float64{true: 3, false: 1e-4}[i%20 == 0 && i > 200] }, 0, 0},
		{"high from the start", func(int) float64 { return 12 }, 0, 0},
		{"rises", func(i int) float64 { return map[bool]float64{true: 8, false: 0.9}[i > 300] }, 310, 400},
	} {
		if got := series(tc.loss, 1000); got < tc.from || got > tc.to {
			t.Errorf("%s: stopped at step %d, want %d to %d", tc.name, got, tc.from, tc.to)
		}
	}
}

// The trend is part of a checkpoint: a run that is resumed is stopped as well.
func TestDivergenceStopsARun(t *testing.T) {
	zero := 0.0
	for _, tc := range []struct {
		diverge *float64
		want    string
	}{{nil, "stage instruct: step 2: the loss diverges"}, {&zero, ""}} {
		r := tiny(t, func(r *Recipe) { r.Stages = r.Stages[1:] })
		runFor(t, r, 1)
		r.Stages[0].Diverge = tc.diverge // may change
		tr := newTrainer(t, r)
		if tr.state.Trend.Steps != 1 {
			t.Errorf("the trend is %+v after a step", tr.state.Trend)
		}
		tr.state.Trend = trend{Steps: trendSteps, Mean: 80, Best: 1}
		err := tr.Run(t.Context())
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("error %v, want %q", err, tc.want)
		}
	}
}
