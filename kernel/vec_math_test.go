package kernel

import (
	"math"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// TestMathAccuracy compares a sample of all float32 numbers with float64 functions.
func TestMathAccuracy(t *testing.T) {
	functions := []struct {
		name    string
		f       func(dst, x []float32)
		want    func(float64) float64
		maxULP  float64
		wantULP func(y float64) bool // leaves out results that are flushed to 0
	}{
		{"Exp", Exp, math.Exp, 1.2, func(y float64) bool { return y >= 0x1p-126 && y <= math.MaxFloat32 }},
		{"Tanh", Tanh, math.Tanh, 2.5, func(y float64) bool { return math.Abs(y) >= 0x1p-125 }},
		{"Erf", Erf, math.Erf, 1.3, func(y float64) bool { return math.Abs(y) >= 0x1p-125 }},
	}
	cputest.TestAll(t, Impls, func(t *testing.T) {
		x, y := make([]float32, 1<<12), make([]float32, 1<<12)
		for _, fn := range functions {
			worst, at := 0.0, float32(0)
			for bits := uint64(0); bits < 1<<32; {
				for i := range x {
					x[i] = math.Float32frombits(uint32(bits))
					bits += 2503
				}
				fn.f(y, x)
				for i, v := range x {
					want := fn.want(float64(v))
					if v != v || !fn.wantULP(want) {
						continue
					}
					if e := math.Abs(float64(y[i])-want) / ulp(want); !(e <= worst) {
						worst, at = e, v
					}
				}
			}
			t.Logf("%s: at most %.2f ULP, at %v", fn.name, worst, at)
			if !(worst <= fn.maxULP) {
				t.Errorf("%s: %.2f ULP at %v, want at most %v", fn.name, worst, at, fn.maxULP)
			}
		}
	})
}

// ulp is the spacing of float32 numbers at y.
func ulp(y float64) float64 {
	_, e := math.Frexp(y)
	return math.Ldexp(1, max(e-24, -149))
}
