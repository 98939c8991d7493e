package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// uniform fills x with numbers of [-4, 4) that are the same on every platform.
func uniform(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(int32(rng.Uint32())>>8) * 0x1p-21
	}
}

func near(got float32, want, tolerance float64) bool {
	g := float64(got)
	return g == want || math.IsNaN(g) && math.IsNaN(want) || math.Abs(g-want) <= tolerance*(1+math.Abs(want))
}

func TestVecAgainstFloat64(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, c := range vecCases {
			t.Run(c.name, func(t *testing.T) { checkVec(t, c) })
		}
	})
}

func checkVec(t *testing.T, c vecCase) {
	rng := rand.New(rand.NewPCG(1, 2))
	memory := make([]guarded, c.ins)
	for i := range memory {
		memory[i] = newGuarded(t)
	}
	for n := range 200 {
		if n > 140 {
			n = 1 + rng.IntN(1000)
		}
		got, want := make([][]float32, c.ins), make([][]float64, c.ins)
		for i, m := range memory {
			got[i] = m.floats(n, rng.IntN(20)*rng.IntN(2), rng.IntN(3) > 0)
			uniform(rng, got[i])
			want[i] = widened(got[i])
		}
		ret, wantRet := c.run(got), c.want(want)
		if !near(ret, wantRet, c.tolerance) {
			t.Fatalf("n = %d: returned %v, want %v", n, ret, wantRet)
		}
		for i := range got {
			for j := range got[i] {
				if !near(got[i][j], want[i][j], c.tolerance) {
					t.Fatalf("n = %d: slice %d[%d] = %v, want %v", n, i, j, got[i][j], want[i][j])
				}
			}
		}
	}
}

func widened(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// TestVecBits holds every assembly implementation to the same bits.
func TestVecBits(t *testing.T) {
	for k, impl := range Impls {
		if !impl.Available {
			continue
		}
		t.Run(impl.Name, func(t *testing.T) {
			defer cputest.Only(Impls, k)()
			for _, c := range vecCases {
				if got, want := fmt.Sprintf("%016x", bitsOf(c)), vecBits[c.name]; got != want {
					t.Errorf("%s: %q: %q,", c.name, c.name, got)
				}
			}
		})
	}
}

// bitsOf is a checksum of the results of a case over a range of lengths.
func bitsOf(c vecCase) uint64 {
	rng := rand.New(rand.NewPCG(3, 4))
	h := fnv.New64a()
	for _, n := range []int{0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 63, 64, 65, 79, 80, 81, 100, 127, 128, 129, 1000, 4096, 5000} {
		s := make([][]float32, c.ins)
		for i := range s {
			s[i] = make([]float32, n)
			uniform(rng, s[i])
		}
		ret := c.run(s)
		if ret == ret { // the sign of a NaN is not ours
			_ = binary.Write(h, binary.LittleEndian, ret)
		}
		for i := range c.outs {
			_ = binary.Write(h, binary.LittleEndian, s[i])
		}
	}
	return h.Sum64()
}

func TestRoPE(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		mx, mc, ms := newGuarded(t), newGuarded(t), newGuarded(t)
		for h := range 68 {
			x, cos, sin := mx.floats(2*h, 0, true), mc.floats(h, 0, true), ms.floats(h, 0, true)
			uniform(rng, x)
			uniform(rng, cos)
			before, want := widened(x), make([]float64, 2*h)
			for i := range h {
				s, c := math.Sincos(float64(cos[i]))
				cos[i], sin[i] = float32(c), float32(s)
				want[i] = before[i]*c - before[i+h]*s
				want[i+h] = before[i+h]*c + before[i]*s
			}
			RoPE(x, cos, sin)
			expectNear(t, fmt.Sprintf("RoPE, %d pairs", h), x, want, 1e-6)
			RoPEInverse(x, cos, sin)
			expectNear(t, fmt.Sprintf("RoPEInverse, %d pairs", h), x, before, 1e-6)
		}
	})
}

// TestRoPEPairs wants the bits of RoPE on the same head with its pairs parted.
func TestRoPEPairs(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		mx, mc, ms := newGuarded(t), newGuarded(t), newGuarded(t)
		for h := range 131 {
			x, cos, sin := mx.floats(2*h, 0, true), mc.floats(h, 0, true), ms.floats(h, 0, true)
			uniform(rng, x)
			uniform(rng, cos)
			uniform(rng, sin)
			halves := part(x)
			for name, turn := range map[string][2]func(x, cos, sin []float32){
				"RoPEPairs": {RoPEPairs, RoPE}, "RoPEPairsInverse": {RoPEPairsInverse, RoPEInverse},
			} {
				turn[0](x, cos, sin)
				turn[1](halves, cos, sin)
				if !slices.Equal(part(x), halves) {
					t.Errorf("%s, %d pairs: not the halves' bits", name, h)
				}
			}
		}
	})
}

// part puts the even elements before the odd ones.
func part(x []float32) []float32 {
	h := len(x) / 2
	y := make([]float32, len(x))
	for i := range h {
		y[i], y[i+h] = x[2*i], x[2*i+1]
	}
	return y
}

func expectNear(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i := range got {
		if !near(got[i], want[i], tolerance) {
			t.Fatalf("%s: [%d] = %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestVecMismatchPanics(t *testing.T) {
	defer func() {
		if got, want := recover(), "kernel: Add: lengths 3 and 2 differ"; got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	Add(make([]float32, 3), make([]float32, 3), make([]float32, 2))
}

func TestVecAllocs(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, c := range vecCases {
			s := make([][]float32, c.ins)
			for i := range s {
				s[i] = make([]float32, 100)
			}
			if n := testing.AllocsPerRun(10, func() { c.run(s) }); n != 0 {
				t.Errorf("%s: %v allocations", c.name, n)
			}
		}
	})
}

// TestVecPlacement cuts slices in two: no element's bits may change.
func TestVecPlacement(t *testing.T) {
	rows := []string{"Softmax", "SoftmaxExp", "RMSNorm", "RMSNormGrad", "LayerNorm", "LayerNormPlain",
		"LayerNormWeight", "LayerNormGrad", "LayerNormPlainGrad"}
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, c := range vecCases {
			if c.outs == 0 || slices.Contains(rows, c.name) {
				continue
			}
			for range 20 {
				n := 1 + rng.IntN(150)
				cut := rng.IntN(n)
				whole, left, right := make([][]float32, c.ins), make([][]float32, c.ins), make([][]float32, c.ins)
				for i := range whole {
					whole[i] = make([]float32, n)
					uniform(rng, whole[i])
					left[i], right[i] = slices.Clone(whole[i][:cut]), slices.Clone(whole[i][cut:])
				}
				c.run(whole)
				c.run(left)
				c.run(right)
				for i := range c.outs {
					if !slices.Equal(whole[i], slices.Concat(left[i], right[i])) {
						t.Fatalf("%s: %d elements cut at %d differ", c.name, n, cut)
					}
				}
			}
		}
	})
}

// TestVecInPlace lets the destination of functions that do not accumulate be their source.
func TestVecInPlace(t *testing.T) {
	binary := func(f func(dst, a, b []float32)) func(dst, x, y []float32) { return f }
	unary := func(f func(dst, x []float32)) func(dst, x, y []float32) {
		return func(dst, x, _ []float32) { f(dst, x) }
	}
	tests := map[string]func(dst, x, y []float32){
		"Add": binary(Add), "Mul": binary(Mul), "SwiGLU": binary(SwiGLU), "Exp": unary(Exp), "Tanh": unary(Tanh),
		"Erf": unary(Erf), "GELU": unary(GELU), "SiLU": unary(SiLU), "GELUTanh": unary(GELUTanh),
		"QuickGELU": unary(QuickGELU), "ReLU": unary(ReLU), "Softmax": unary(Softmax),
		"RMSNorm":   func(dst, x, y []float32) { RMSNorm(dst, x, y, 1e-5) },
		"LayerNorm": func(dst, x, y []float32) { LayerNorm(dst, x, y, y, 1e-5) },
	}
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for name, f := range tests {
			for n := range 68 {
				x, y, want := make([]float32, n), make([]float32, n), make([]float32, n)
				uniform(rng, x)
				uniform(rng, y)
				f(want, x, y)
				f(x, x, y)
				if !slices.Equal(x, want) {
					t.Fatalf("%s of %d elements differs in place", name, n)
				}
			}
		}
	})
}
