package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestWhitenPatches: through the whitened identity, samples of any covariance come out
// uncorrelated and of variance one.
func TestWhitenPatches(t *testing.T) {
	const n, samples = 5, 4000
	rng := rand.New(rand.NewPCG(5, 6))
	x := tensor.New(samples, n)
	for r := range samples {
		common := rng.NormFloat64()
		for i := range n {
			x.Row(r)[i] = float32(3 + 10*common + float64(i+1)*0.1*rng.NormFloat64())
		}
	}
	picture := tensor.New(1, n, samples, 1) // of patches of one pixel
	for r := range samples {
		for i := range n {
			picture.F32[i*samples+r] = x.Row(r)[i]
		}
	}
	w := tensor.New(n, n)
	for i := range n {
		w.Row(i)[i] = 1
	}
	if err := nn.WhitenPatches(w, []*tensor.Tensor{picture}, 1e-6); err != nil {
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

func TestWhitenPatchesRefuses(t *testing.T) {
	nan := tensor.New(1, 3, 4, 4)
	nan.F32[0] = float32(math.NaN())
	picture := []*tensor.Tensor{tensor.New(1, 3, 4, 4)}
	for name, c := range map[string]struct {
		w        *tensor.Tensor
		pictures []*tensor.Tensor
		eps      float64
	}{
		"no square":     {tensor.New(2, 6), picture, 1},
		"large patches": {tensor.New(2, 75), picture, 1},
		"no pictures":   {tensor.New(2, 12), nil, 1},
		"no eps":        {tensor.New(2, 12), picture, 0},
		"eps is a NaN":  {tensor.New(2, 12), picture, math.NaN()},
		"NaN":           {tensor.New(2, 12), []*tensor.Tensor{nan}, 1},
		"no elements":   {tensor.Declare(2, 12), picture, 1},
		"no picture":    {tensor.New(2, 12), []*tensor.Tensor{tensor.New(4, 12)}, 1},
	} {
		if nn.WhitenPatches(c.w, c.pictures, c.eps) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := nn.WhitenPatches(tensor.New(2, 12), picture, 1); err != nil {
		t.Error(err)
	}
}
