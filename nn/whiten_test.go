package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestWhiten: through the whitened identity, samples of any covariance come out
// uncorrelated and of variance one.
func TestWhiten(t *testing.T) {
	const n, samples = 5, 4000
	rng := rand.New(rand.NewPCG(5, 6))
	x := tensor.New(samples, n)
	for r := range samples {
		common := rng.NormFloat64()
		for i := range n {
			x.Row(r)[i] = float32(3 + 10*common + float64(i+1)*0.1*rng.NormFloat64())
		}
	}
	w := tensor.New(n, n)
	for i := range n {
		w.Row(i)[i] = 1
	}
	if err := nn.Whiten(w, x, 1e-6); err != nil {
		t.Fatal(err)
	}
	y, mean := make([][n]float64, samples), [n]float64{}
	for r := range samples {
		for i := range n {
			for j, v := range x.Row(r) {
				y[r][i] += float64(w.Row(i)[j]) * float64(v)
			}
			mean[i] += y[r][i] / samples
		}
	}
	for i := range n {
		for j := range n {
			c, want := 0.0, 0.0
			for r := range samples {
				c += (y[r][i] - mean[i]) * (y[r][j] - mean[j]) / samples
			}
			if i == j {
				want = 1
			}
			if math.Abs(c-want) > 2e-3 {
				t.Errorf("covariance of %d and %d is %v", i, j, c)
			}
		}
	}
}

func TestWhitenRefuses(t *testing.T) {
	nan := tensor.New(2, 3)
	nan.F32[0] = float32(math.NaN())
	for name, c := range map[string]struct {
		w, x *tensor.Tensor
		eps  float64
	}{
		"other width":  {tensor.New(2, 3), tensor.New(4, 2), 1},
		"no samples":   {tensor.New(2, 3), tensor.New(0, 3), 1},
		"no eps":       {tensor.New(2, 3), tensor.New(2, 3), 0},
		"NaN":          {tensor.New(2, 3), nan, 1},
		"no elements":  {tensor.Declare(2, 3), tensor.New(4, 3), 1},
		"eps is a NaN": {tensor.New(2, 3), tensor.New(4, 3), math.NaN()},
	} {
		if nn.Whiten(c.w, c.x, c.eps) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
