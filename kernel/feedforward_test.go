package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// TestFeedForwardBits compares the fused network with its products and activations one
// by one, to the bit.
func TestFeedForwardBits(t *testing.T) {
	pool := brainPool(3)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if Name() != "amx" && Name() != "generic" {
			return // the same as generic
		}
		rng := rand.New(rand.NewPCG(7, 8))
		for trial := range 40 {
			m, k, inner, n := 2+rng.IntN(66), 1+rng.IntN(100), 32*(1+rng.IntN(5)), 1+rng.IntN(70)
			dtype := DType(rng.IntN(3))
			if trial%4 == 0 {
				dtype, k = []DType{Q8_0, Q4_0}[rng.IntN(2)], 64
			}
			checkFeedForward(t, rng, pool, dtype, m, k, inner, n, trial%2 == 0, trial%3 != 0)
		}
		if Name() == "amx" { // more than a block in every direction
			checkFeedForward(t, rng, pool, BF16, 700, 600, 1024, 300, true, true)
			checkFeedForward(t, rng, pool, Q4_0, 577, 1024, 1088, 40, false, true)
			checkFeedForward(t, rng, pool, F16, 33, 64, 2048, 40, true, false)
		}
	})
}

func checkFeedForward(t *testing.T, rng *rand.Rand, p *Pool, dtype DType, m, k, inner, n int, gated, biased bool) {
	t.Helper()
	name := fmt.Sprintf("%v %dx%dx%dx%d gated %v biased %v", dtype, m, k, inner, n, gated, biased)
	a := randomMat(rng, F32, m, k)
	weights := func(rows, cols int) Mat {
		if dtype.Quantised() {
			return randomBlocks(t, rng, dtype, rows, cols)
		}
		return randomMat(rng, dtype, rows, cols)
	}
	f := &FeedForward{Up: weights(inner, k), Down: weights(n, inner), Act: QuickGELU}
	if gated {
		f.Gate = weights(inner, k)
	}
	if biased {
		f.UpBias, f.DownBias = randomFloats(rng, inner), randomFloats(rng, n)
		if gated {
			f.GateBias = randomFloats(rng, inner)
		}
	}
	up, gate := F32Mat(make([]float32, m*inner), m, inner), F32Mat(make([]float32, m*inner), m, inner)
	p.Linear(up, a, f.Up, f.UpBias)
	if gated {
		p.Linear(gate, a, f.Gate, f.GateBias)
		SwiGLU(up.F32, gate.F32, up.F32)
	} else {
		f.Act(up.F32, up.F32)
	}
	want, got := F32Mat(make([]float32, m*n), m, n), F32Mat(make([]float32, m*n), m, n)
	p.Linear(want, up, f.Down, f.DownBias)
	if !p.Fuses(m, f) {
		t.Fatalf("%s: not fused", name)
	}
	p.FeedForward(got, a, f)
	for i := range want.F32 {
		if math.Float32bits(got.F32[i]) != math.Float32bits(want.F32[i]) {
			t.Fatalf("%s: element %d is %v, one by one %v", name, i, got.F32[i], want.F32[i])
		}
	}
}

func TestFeedForwardFuses(t *testing.T) {
	pool := brainPool(1)
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	f := &FeedForward{Up: randomMat(rng, F32, 64, 8), Down: randomMat(rng, F32, 8, 64)}
	if !pool.Fuses(2, f) || pool.Fuses(1, f) || (*Pool)(nil).Fuses(2, f) {
		t.Error("several rows are fused, one is not, nor without a pool")
	}
	f.Up, f.Down = randomMat(rng, F32, 40, 8), randomMat(rng, F32, 8, 40)
	if pool.Fuses(2, f) {
		t.Error("an inner width of 40 is no multiple of a panel")
	}
	pool.Compute = F32
	f.Up, f.Down = randomMat(rng, F32, 64, 8), randomMat(rng, F32, 8, 64)
	if pool.Fuses(2, f) {
		t.Error("fused in F32")
	}
}

func randomFloats(rng *rand.Rand, n int) []float32 {
	f := make([]float32, n)
	for i := range f {
		f[i] = float32(rng.NormFloat64())
	}
	return f
}
