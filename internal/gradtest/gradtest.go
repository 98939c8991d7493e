// Package gradtest checks the gradients of whole models by finite differences.
package gradtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Check compares, for every parameter of m, the gradient that Backward leaves
// with the slope of the loss along a random direction. loss must be small: it is
// computed in float32. Parameters that unused reports have no gradient; nil: all have.
func Check(t *testing.T, m any, loss func(c *tensor.Ctx) *tensor.Tensor, unused func(name string) bool) {
	t.Helper()
	names, params := nn.Params(m)
	for _, p := range params {
		p.SetTrainable(true)
		p.ZeroGrad()
	}
	c := &tensor.Ctx{Train: true}
	c.Backward(loss(c))
	rng := rand.New(rand.NewPCG(5, 6))
	for i, p := range params {
		switch idle := unused != nil && unused(names[i]); {
		case p.HasGrad() == idle:
			t.Errorf("%s: has a gradient: %v", names[i], p.HasGrad())
		case !idle:
			compare(t, names[i], p, rng, func() float64 { return float64(loss(&tensor.Ctx{}).F32[0]) })
		}
	}
}

func compare(t *testing.T, name string, p *tensor.Tensor, rng *rand.Rand, loss func() float64) {
	t.Helper()
	const tolerance = 2e-2
	along, size := 0.0, 0.0
	direction := make([]float32, p.Len())
	for i, g := range p.Grad() {
		direction[i] = float32(rng.NormFloat64())
		along += float64(g) * float64(direction[i])
		size += float64(g) * float64(g)
	}
	if got := slope(p, direction, loss); math.Abs(got-along) > tolerance*math.Sqrt(size)+1e-3 {
		t.Errorf("%s: slope %.5g, gradient %.5g (of length %.5g)", name, got, along, math.Sqrt(size))
	}
}

// slope is the derivative of the loss as p moves, by central differences of two
// steps, which together leave out the term of third order (Richardson 1911).
func slope(p *tensor.Tensor, direction []float32, loss func() float64) float64 {
	before := append([]float32(nil), p.F32...)
	at := func(step float32) float64 {
		for i, d := range direction {
			p.F32[i] = before[i] + step*d
		}
		return loss()
	}
	const step = 4e-3
	whole := (at(step) - at(-step)) / (2 * step)
	half := (at(step/2) - at(-step/2)) / step
	copy(p.F32, before)
	return (4*half - whole) / 3
}
