package nn

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/fovea-ml/fovea/tensor"
)

// Initializer says how the parameters of a model that is trained from nothing
// start.
type Initializer struct {
	Std      func(name string) float64 // of the normal distribution of a matrix
	Residual int                       // depth: outputs onto the residual stream start at Std/sqrt(2·Residual); 0 leaves them at Std
}

// Init gives every declared parameter without data its starting values, from
// rng alone: matrices a normal distribution, norm weights one, biases zero.
// Layers are told apart by their checkpoint names.
func (in Initializer) Init(m any, rng *rand.Rand) {
	Walk(m, func(name string, t *tensor.Tensor) {
		if t.HasData() {
			return
		}
		t.F32, t.DType = make([]float32, t.Len()), tensor.F32
		switch {
		case strings.HasSuffix(name, "bias"):
		case len(t.Shape) == 1 && (strings.Contains(name, "norm") || strings.HasSuffix(name, ".weight")): // of a norm, whatever it is called
			fill(t.F32, 1)
		default:
			in.normal(t.F32, name, rng)
		}
	})
}

func (in Initializer) normal(w []float32, name string, rng *rand.Rand) {
	std := in.Std(name)
	if in.Residual > 0 && writesResidual(name) {
		std /= math.Sqrt(2 * float64(in.Residual))
	}
	for i := range w {
		w[i] = float32(rng.NormFloat64() * std)
	}
}

// writesResidual reports whether a matrix is the last of its branch.
func writesResidual(name string) bool {
	for _, end := range []string{"o_proj.weight", "out_proj.weight", "down_proj.weight", "c_proj.weight", "fc2.weight"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
