package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

func draw(n int) []float32 {
	rng := rand.New(rand.NewPCG(8, uint64(n)))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestOrthogonalize: the result, tall or wide, maps the singular vectors of the
// matrix with factors near one. For u·vᵀ·σ of rank one it is u·vᵀ times such a factor.
func TestOrthogonalize(t *testing.T) {
	for _, s := range [][2]int{{4, 9}, {9, 4}, {6, 6}, {1, 5}, {40, 30}} {
		rows, cols := s[0], s[1]
		w := muonWorker{pool: kernel.NewPool(1), x: draw(rows * cols)}
		w.orthogonalize(rows, cols)
		// Its Gram matrix on the shorter side has eigenvalues in [0.4, 1.6]: check xᵀ·G·x of random unit x.
		rng := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			v, length := make([]float64, min(rows, cols)), 0.0
			for i := range v {
				v[i] = rng.NormFloat64()
				length += v[i] * v[i]
			}
			image := 0.0
			for j := range max(rows, cols) {
				y := 0.0
				for i := range v {
					at := i*cols + j
					if rows > cols {
						at = j*cols + i
					}
					y += v[i] * float64(w.x[at])
				}
				image += y * y
			}
			if ratio := image / length; ratio < 0.4 || ratio > 1.6 {
				t.Errorf("%dx%d: a vector is stretched by %.3f", rows, cols, math.Sqrt(ratio))
			}
		}
	}
}

// TestMuonStep: the first step has the length of one of AdamW, whatever the
// gradient's scale, and goes against it; vectors and tables are AdamW's.
func TestMuonStep(t *testing.T) {
	net := &struct {
		Matrix *tensor.Tensor `ckpt:"layers.0.fc.weight"`
		Vector *tensor.Tensor `ckpt:"layers.0.fc.bias"`
		Table  *tensor.Tensor `ckpt:"embed_tokens.weight"`
	}{tensor.New(16, 32), tensor.New(8), tensor.New(4, 8)}
	for _, w := range []*tensor.Tensor{net.Matrix, net.Vector, net.Table} {
		w.SetTrainable(true)
		copy(w.Grad(), draw(w.Len()))
	}
	gradient := draw(net.Matrix.Len())
	st := &Stage{Optimizer: "muon", Eps: 1e-8, Betas: [2]float64{0.9, 0.999}}
	opt := newOptimizer(st, net, func(string) string { return "" }, kernel.NewPool(2))
	opt.update(st, 0.1, 100)
	length, along := 0.0, 0.0
	for i, w := range net.Matrix.F32 {
		length += float64(w) * float64(w)
		along += float64(w) * float64(gradient[i])
	}
	if rms := math.Sqrt(length / float64(net.Matrix.Len())); rms < 0.014 || rms > 0.026 || along >= 0 {
		t.Errorf("a step of %v for a rate of 0.1, %v along the gradient", rms, along)
	}
	for _, w := range []*tensor.Tensor{net.Vector, net.Table} {
		if !near(float32(math.Abs(float64(w.F32[0]))), 0.1) {
			t.Errorf("AdamW's first step is %v", w.F32[0])
		}
	}
	if n := len(opt.moments()); n != 5 {
		t.Errorf("%d moments, want one for the matrix and two for each of the others", n)
	}
	if g := net.Matrix.Grad()[0]; g != 0 {
		t.Errorf("the gradient is kept: %v", g)
	}
}
