package train

import (
	"math"
	"testing"

	"github.com/fovea-ml/fovea/tensor"
)

type tinyNet struct {
	Matrix *tensor.Tensor `ckpt:"matrix"`
	Vector *tensor.Tensor `ckpt:"vector"`
}

// newTinyNet has all weights 1.
func newTinyNet(trainable bool) *tinyNet {
	p := &tinyNet{Matrix: tensor.New(2, 2), Vector: tensor.New(2)}
	for _, w := range []*tensor.Tensor{p.Matrix, p.Vector} {
		for i := range w.F32 {
			w.F32[i] = 1
		}
		w.SetTrainable(trainable)
	}
	return p
}

func (p *tinyNet) gradient(g float32) {
	for _, w := range []*tensor.Tensor{p.Matrix, p.Vector} {
		for i := range w.Grad() {
			w.Grad()[i] = g
		}
	}
}

func near(a float32, b float64) bool { return math.Abs(float64(a)-b) < 1e-6 }

func TestOnlyMatricesDecay(t *testing.T) {
	p := newTinyNet(true)
	st := &Stage{Decay: 0.5, Eps: 1e-8, Betas: [2]float64{0.9, 0.999}}
	opt := newOptimizer(st, p, func(string) string { return "language" }, nil)
	p.gradient(0)
	opt.update(st, 0.1, 1)
	if !near(p.Matrix.F32[0], 0.95) || p.Vector.F32[0] != 1 {
		t.Errorf("matrix %v, vector %v", p.Matrix.F32[0], p.Vector.F32[0])
	}
}

func TestRateOfAGroup(t *testing.T) {
	p := newTinyNet(true)
	lr := 0.01
	st := &Stage{LR: 0.1, Groups: []Group{{Params: []string{"vision"}, LR: &lr}}, Eps: 1e-8, Betas: [2]float64{0.9, 0.999}}
	opt := newOptimizer(st, p, func(name string) string { return map[string]string{"matrix": "vision", "vector": "language"}[name] }, nil)
	p.gradient(3)
	opt.update(st, 0.1, 1) // AdamW's first step is the rate, whatever the gradient
	if !near(p.Matrix.F32[0], 0.99) || !near(p.Vector.F32[0], 0.9) {
		t.Errorf("matrix %v, vector %v", p.Matrix.F32[0], p.Vector.F32[0])
	}
}

func TestClipping(t *testing.T) {
	for _, tc := range []struct{ most, norm, want float64 }{{0, 5, 1}, {1, 0.5, 1}, {1, 1, 1}, {1, 4, 0.25}, {2, 0, 1}} {
		if got := clipping(tc.most, tc.norm); got != tc.want {
			t.Errorf("clip %v of norm %v: %v, want %v", tc.most, tc.norm, got, tc.want)
		}
	}
	p := newTinyNet(true)
	opt := newOptimizer(&Stage{}, p, func(string) string { return "" }, nil)
	p.gradient(3)
	if got := opt.norm(); math.Abs(got-3*math.Sqrt(6)) > 1e-6 {
		t.Errorf("norm %v", got)
	}
}

func TestMomentsBeginWithTheFirstGradient(t *testing.T) {
	p := newTinyNet(true)
	st := &Stage{Eps: 1e-8, Betas: [2]float64{0.9, 0.999}, Decay: 0.5}
	opt := newOptimizer(st, p, func(string) string { return "" }, nil)
	p.Vector.Grad()[0] = 1
	opt.update(st, 0.1, 1)
	if p.Matrix.F32[0] != 1 || len(opt.moments()) != 2 || opt.missed()["matrix"] != 1 {
		t.Errorf("matrix %v, %d moments, missed %v", p.Matrix.F32[0], len(opt.moments()), opt.missed())
	}
	p.gradient(1)
	opt.update(st, 0.1, 1)
	if !near(p.Matrix.F32[0], 0.85) { // decay, then a first step in full
		t.Errorf("matrix %v after its first update", p.Matrix.F32[0])
	}
	if missed := opt.missed(); len(missed) != 1 || missed["matrix"] != 1 {
		t.Errorf("missed %v", missed)
	}
}

func TestFrozenParametersAreNotTheOptimizers(t *testing.T) {
	if opt := newOptimizer(&Stage{}, newTinyNet(false), func(string) string { return "" }, nil); len(opt.params) != 0 {
		t.Errorf("%d parameters", len(opt.params))
	}
}
