package train

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// testdata/adafactor.json is ten updates of transformers 4.51's Adafactor, a matrix
// of 3 by 5 that decays and a vector.
func TestAdafactorAsTheReference(t *testing.T) {
	type weights struct{ Matrix, Vector []float32 }
	var want struct {
		LR    float64 `json:"lr"`
		Decay float64 `json:"weight_decay"`
		weights
		Steps []struct {
			MatrixGrad []float32 `json:"matrix_grad"`
			VectorGrad []float32 `json:"vector_grad"`
			weights
		}
	}
	check(t, json.Unmarshal([]byte(readText(t, "testdata/adafactor.json")), &want))
	p := &tinyNet{Matrix: tensor.From(want.Matrix, 3, 5), Vector: tensor.From(want.Vector, 4)}
	p.Matrix.SetTrainable(true)
	p.Vector.SetTrainable(true)
	st := &Stage{Optimizer: "adafactor", Decay: want.Decay}
	opt := newOptimizer(st, p, func(string) string { return "" }, nil)
	for i, s := range want.Steps {
		copy(p.Matrix.Grad(), s.MatrixGrad)
		copy(p.Vector.Grad(), s.VectorGrad)
		opt.update(st, want.LR, 1)
		for k, w := range slices.Concat(s.Matrix, s.Vector) {
			if got := slices.Concat(p.Matrix.F32, p.Vector.F32)[k]; math.Abs(float64(got-w)) > 1e-5 {
				t.Errorf("step %d: element %d is %v, want %v", i+1, k, got, w)
			}
		}
	}
	if len(want.Steps) != 10 || len(opt.moments()) != 3 {
		t.Errorf("%d steps, %d moments; want 10, and rows, columns and the vector's", len(want.Steps), len(opt.moments()))
	}
}

func TestAdafactorOnManyWorkers(t *testing.T) {
	run := func(pool *kernel.Pool) []float32 {
		p := &tinyNet{Matrix: tensor.From(draw(300*500), 300, 500), Vector: tensor.From(draw(7), 7)}
		p.Matrix.SetTrainable(true)
		st := &Stage{Optimizer: "adafactor"}
		opt := newOptimizer(st, p, func(string) string { return "" }, pool)
		for n := range 3 {
			copy(p.Matrix.Grad(), draw(300*500 + n)[n:])
			opt.update(st, 0.1, 0.5)
		}
		return p.Matrix.F32
	}
	pool := kernel.NewPool(3)
	defer pool.Close()
	if !sameBits(run(pool), run(nil)) {
		t.Error("the number of workers changes bits")
	}
}
