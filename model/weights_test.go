package model_test

import (
	"math"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// TestPackedWeights: weights go with their labels, and are 1 where a prompt has none.
func TestPackedWeights(t *testing.T) {
	double := &model.Prompt{IDs: []int32{1, 2}, Labels: []int32{2, -1}, Weights: []float32{2, 2}}
	plain := &model.Prompt{IDs: []int32{3, 4}, Labels: []int32{4, -1}}
	untaught := &model.Prompt{IDs: []int32{5, 6}}
	encoded := &model.Prompt{IDs: []int32{9, 9, 9}, DecoderIDs: []int32{0}, Labels: []int32{7}, Weights: []float32{0.5}}
	for _, c := range []struct {
		name    string
		prompts []*model.Prompt
		want    []float32
	}{
		{"none", []*model.Prompt{plain, plain}, nil},
		{"some", []*model.Prompt{plain, untaught, double, plain}, []float32{1, 0, 0, 0, 2, 0, 1, 0}},
		{"the last untaught", []*model.Prompt{double, untaught}, []float32{2, 0, 0, 0}},
		{"a pack in a pack", []*model.Prompt{plain, model.Pack([]*model.Prompt{double})}, []float32{1, 0, 2, 0}},
		{"for an encoder", []*model.Prompt{encoded, {IDs: []int32{9}, DecoderIDs: []int32{0, 1}}, encoded}, []float32{0.5, 0, 0, 0.5}},
	} {
		got := model.Pack(c.prompts)
		if !slices.Equal(got.Weights, c.want) || c.want != nil && len(got.Weights) != len(got.Labels) {
			t.Errorf("%s: weights %v of labels %v, want %v", c.name, got.Weights, got.Labels, c.want)
		}
	}
}

// TestBranchedWeights: what has another weight is not shared.
func TestBranchedWeights(t *testing.T) {
	of := func(w ...float32) *model.Prompt {
		return &model.Prompt{IDs: []int32{1, 2, 3}, Labels: []int32{-1, 3, 4}, Weights: w}
	}
	got, err := model.Branch([]*model.Prompt{of(), of(5, 2, 2), of(7, 1, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{0, 1, 1, 2, 2, 1, 3}; !slices.Equal(got.Weights, want) {
		t.Errorf("weights %v of %v, want %v", got.Weights, got.IDs, want)
	}
	if got, err := model.Branch([]*model.Prompt{of(), of()}); err != nil || got.Weights != nil {
		t.Errorf("weights %v of conversations without: %v", got.Weights, err)
	}
}

// TestWeightedLoss: a weight multiplies its label's loss, and the number of labels stays.
func TestWeightedLoss(t *testing.T) {
	p := &model.Prompt{IDs: []int32{0, 1, 2, 3}, Labels: []int32{0, -1, 1, 2}, Weights: []float32{2, 9, 0.25, 1}}
	wrong := math.Log(math.Exp(2) + 3)
	want := (2*(wrong-2) + 0.25*wrong + wrong) / 3
	if got := float64(model.Loss(&tensor.Ctx{}, echo{}, p, float32(p.Labelled())).F32[0]); math.Abs(got-want) > 1e-6 {
		t.Errorf("loss %v, want %v", got, want)
	}
	p.Weights = nil
	plain := model.Loss(&tensor.Ctx{}, echo{}, p, 3).F32[0]
	p.Weights = []float32{1, 1, 1, 1}
	if got := model.Loss(&tensor.Ctx{}, echo{}, p, 3).F32[0]; got != plain {
		t.Errorf("loss %v with weights of 1, %v without", got, plain)
	}
}
