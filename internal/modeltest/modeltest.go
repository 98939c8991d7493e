// Package modeltest has what tests of whole models share.
package modeltest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Random builds the model of a config.json with weights drawn at the deviation std.
func Random[C, M any](t testing.TB, config string, std float64, parse func([]byte) (C, error), build func(C) (M, error)) M {
	t.Helper()
	cfg, err := parse([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	m, err := build(cfg)
	if err != nil {
		t.Fatal(err)
	}
	nn.Initializer{Std: func(string) float64 { return std }}.Init(m, rand.New(rand.NewPCG(1, 2)))
	return m
}

// Waves makes the weights of a model sines of the elements' numbers, those of norms one
// more: values that a reference implementation can be given too.
func Waves(m any) {
	nn.Walk(m, func(name string, w *tensor.Tensor) {
		w.F32, w.DType = make([]float32, w.Len()), tensor.F32
		for i := range w.F32 {
			v := 0.4 * math.Sin(float64(i)*0.7+float64(len(name)))
			if strings.Contains(name, "norm.weight") {
				v++
			}
			w.F32[i] = float32(v)
		}
	})
}

// Near wants values that differ by no more than the order of sums can make.
func Near(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= 1e-5) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], w)
		}
	}
}

// Prefill runs a prompt and returns a copy of its last logits.
func Prefill(t testing.TB, s *generate.Session, p *model.Prompt) []float32 {
	t.Helper()
	logits, err := s.Prefill(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(logits)
}
