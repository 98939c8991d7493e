package train

import (
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestWhatLearns names parameters by parts and globs.
func TestWhatLearns(t *testing.T) {
	tr := newTrainer(t, tiny(t))
	for _, tc := range []struct {
		train, freeze []string
		learns        func(name, part string) bool
	}{
		{[]string{"adapter"}, nil, func(_, part string) bool { return part == "adapter" }},
		{[]string{"adapter", "**.q_proj"}, nil, func(name, part string) bool { return part == "adapter" || strings.Contains(name, ".q_proj.") }},
		{[]string{"language"}, []string{"**.bias", "**.layers.0"}, func(name, part string) bool {
			return part == "language" && !strings.HasSuffix(name, ".bias") && !strings.Contains(name, ".layers.0.")
		}},
		{[]string{"**"}, []string{"vision"}, func(_, part string) bool { return part != "vision" }},
	} {
		st := tr.Recipe.Stages[1]
		st.Train, st.Freeze, st.Groups = tc.train, tc.freeze, nil
		check(t, tr.beginStage(&st))
		nn.Walk(tr.Model.Net, func(name string, w *tensor.Tensor) {
			if got := w.NeedsGrad(); got != tc.learns(name, tr.Model.Family.PartOf(name)) {
				t.Errorf("train %v, freeze %v: %s learns: %v", tc.train, tc.freeze, name, got)
			}
		})
	}
}

func TestPatternsThatFitNothing(t *testing.T) {
	tr := newTrainer(t, tiny(t))
	for want, change := range map[string]func(*Stage){
		`train: "**.k_porj" fits no parameter; the nearest is `: func(s *Stage) { s.Train = []string{"**.k_porj"} },
		`freeze: "lm_head.weigth" fits no parameter`:            func(s *Stage) { s.Freeze = []string{"lm_head.weigth"} },
		`group 1: "adaptor" fits no parameter`:                  func(s *Stage) { s.Groups[0].Params = []string{"adaptor"} },
	} {
		st := tr.Recipe.Stages[1]
		st.Groups = []Group{{Params: []string{"vision"}}}
		change(&st)
		if err := tr.beginStage(&st); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestLayerDecay: the last layer has nearly the full rate, the one before less, the embedding the least.
func TestLayerDecay(t *testing.T) {
	net := &struct {
		Embed  *tensor.Tensor   `ckpt:"embed.weight"`
		Layers []*tensor.Tensor `ckpt:"layers"`
		Norm   *tensor.Tensor   `ckpt:"norm.weight"`
		Other  *tensor.Tensor   `ckpt:"other.weight"`
	}{tensor.New(2, 2), []*tensor.Tensor{tensor.New(2, 2), tensor.New(2, 2), tensor.New(2, 2)}, tensor.New(2), tensor.New(2, 2)}
	half, zero := 0.5, 0.0
	st := &Stage{LR: 1, Decay: 0.1, Groups: []Group{
		{Params: []string{"embed", "layers", "norm"}, LR: &half, LayerDecay: 0.8},
		{Params: []string{"other"}, Decay: &zero},
	}}
	rates := st.rates(net, func(string) string { return "" })
	for name, want := range map[string]float64{
		"embed.weight": 0.5 * 0.8 * 0.8 * 0.8 * 0.8, "layers.0": 0.5 * 0.8 * 0.8 * 0.8, "layers.2": 0.5 * 0.8, "norm.weight": 0.5, "other.weight": 1,
	} {
		if got := rates(name, tensor.New(2, 2)); math.Abs(got.lr-want) > 1e-12 || (got.decay == 0) != (name == "other.weight") {
			t.Errorf("%s: %+v, want rate %v", name, got, want)
		}
	}
	if rates("norm.weight", net.Norm).decay != 0 {
		t.Error("a vector decays")
	}
}
