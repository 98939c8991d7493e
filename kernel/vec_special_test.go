package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

var (
	inf    = float32(math.Inf(1))
	nan    = float32(math.NaN())
	negNaN = math.Float32frombits(0xffc00001)
)

func same(a, b float32) bool {
	return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b)) || a != a && b != b
}

// TestSpecialValues places every value in each lane of a block and in the tail.
func TestSpecialValues(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	type pair struct{ x, want float32 }
	tests := []struct {
		name  string
		f     func(dst, x []float32)
		pairs []pair
	}{
		{"Exp", Exp, []pair{{0, 1}, {negZero, 1}, {-inf, 0}, {inf, inf}, {nan, nan}, {negNaN, nan}, {-88, 0}, {-1e30, 0},
			{-math.MaxFloat32, 0}, {88.73, inf}, {1e30, inf}, {math.MaxFloat32, inf}, {1e-40, 1}}},
		{"Tanh", Tanh, []pair{{0, 0}, {negZero, negZero}, {inf, 1}, {-inf, -1}, {nan, nan}, {negNaN, nan}, {20, 1}, {-1e30, -1}, {1e-30, 1e-30}}},
		{"Erf", Erf, []pair{{0, 0}, {negZero, negZero}, {inf, 1}, {-inf, -1}, {nan, nan}, {negNaN, nan}, {5, 1}, {-1e30, -1}, {-1e10, -1}}},
		{"SiLU", SiLU, []pair{{0, 0}, {inf, inf}, {nan, nan}, {200, 200}, {-200, negZero}}},
		{"GELU", GELU, []pair{{0, 0}, {inf, inf}, {nan, nan}, {200, 200}, {-200, 0}}},
		{"GELUTanh", GELUTanh, []pair{{0, 0}, {inf, inf}, {nan, nan}, {200, 200}, {-200, negZero}}},
		{"QuickGELU", QuickGELU, []pair{{0, 0}, {inf, inf}, {nan, nan}, {200, 200}, {-200, negZero}}},
		{"ReLU", ReLU, []pair{{0, 0}, {inf, inf}, {-inf, 0}, {nan, nan}, {200, 200}, {-200, 0}}},
	}
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, tt := range tests {
			for _, p := range tt.pairs {
				for at := range 20 {
					x, y := make([]float32, 20), make([]float32, 20)
					x[at] = p.x
					tt.f(y, x)
					if !same(y[at], p.want) {
						t.Errorf("%s(%v) = %v in lane %d, want %v", tt.name, p.x, y[at], at, p.want)
					}
				}
			}
		}
	})
}

func TestGradientsFarOut(t *testing.T) {
	tests := []struct {
		name  string
		f     func(dx, dy, x []float32)
		limit float32 // of the derivative towards +∞; towards -∞ it is 0
	}{
		{"SiLUGrad", SiLUGrad, 1}, {"GELUGrad", GELUGrad, 1}, {"GELUTanhGrad", GELUTanhGrad, 1},
		{"QuickGELUGrad", QuickGELUGrad, 1}, {"ReLUGrad", ReLUGrad, 1},
	}
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, tt := range tests {
			x := []float32{50, 1000, 1e5, -50, -1000, -1e5, nan}
			dx, dy := make([]float32, len(x)), []float32{2, 2, 2, 2, 2, 2, 2}
			tt.f(dx, dy, x)
			for i, v := range x {
				switch want := 2 * tt.limit; {
				case v != v:
					if dx[i] == dx[i] && tt.name != "ReLUGrad" {
						t.Errorf("%s at NaN: %v", tt.name, dx[i])
					}
				case v > 0 && dx[i] != want, v < 0 && math.Abs(float64(dx[i])) > 1e-18:
					t.Errorf("%s at %v: %v", tt.name, v, dx[i])
				}
			}
		}
	})
}

func TestSoftmaxMasked(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for n := 1; n < 40; n++ {
			x := make([]float32, n)
			for i := range x {
				x[i] = -inf
			}
			if got := SoftmaxExp(append([]float32(nil), x...), -inf); got != 0 {
				t.Errorf("SoftmaxExp of %d × -Inf sums to %v", n, got)
			}
			if got := LogSumExp(x); got != -inf {
				t.Errorf("LogSumExp of %d × -Inf is %v", n, got)
			}
			x[n/2] = -70000
			if got := LogSumExp(x); got != -70000 {
				t.Errorf("LogSumExp of one element is %v", got)
			}
			Softmax(x, x)
			for i, v := range x {
				if want := map[bool]float32{i == n/2: 1}[true]; v != want {
					t.Errorf("softmax of one element of %d: [%d] = %v", n, i, v)
				}
			}
			x[0] = nan
			if Softmax(x, x); x[n-1] == x[n-1] {
				t.Errorf("Softmax of %d elements hides a NaN", n)
			}
		}
	})
}

func TestEmptyReductions(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		got := fmt.Sprint(Dot(nil, nil), Sum(nil), Max(nil), SumSquares(nil), LogSumExp(nil), SoftmaxExp(nil, 0))
		if want := "0 0 -Inf 0 -Inf 0"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestSumSquaresLong needs more than float32 can add up one by one.
func TestSumSquaresLong(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		x := make([]float32, 10_000_001)
		for i := range x {
			x[i] = 0.1
		}
		want := float64(len(x)) * float64(x[0]) * float64(x[0])
		if got := SumSquares(x); math.Abs(got-want) > 1e-6*want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestMaxIgnoresNaN(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for n := 2; n < 80; n++ {
			for at := range n {
				x := make([]float32, n)
				for i := range x {
					x[i] = -5
				}
				x[at], x[(at+1)%n] = -1, nan
				if got := Max(x); got != -1 {
					t.Fatalf("n = %d, largest at %d: got %v", n, at, got)
				}
			}
		}
	})
}
