package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// TestFeedForwardFused: in bfloat16 one kernel gives what the ops give one by one.
func TestFeedForwardFused(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	pool.Compute = kernel.BF16
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(shape ...int) *T {
		y := tensor.New(shape...)
		for i := range y.F32 {
			y.F32[i] = float32(rng.NormFloat64())
		}
		return y
	}
	x, up, gate, down := random(5, 40), random(96, 40), random(96, 40), random(24, 96)
	b, d := random(96), random(24)
	d.Store(tensor.BF16, nil)
	c := &tensor.Ctx{Pool: pool}
	for _, gated := range []bool{false, true} {
		f := Feed{Up: up, UpBias: b, Down: down, DownBias: d, Act: GELU}
		h := Linear(c, x, up, b)
		if gated {
			f.Gate, f.GateBias = gate, b
			h = SwiGLU(c, Linear(c, x, gate, b), h)
		} else {
			h = Activate(c, h, GELU)
		}
		want := Linear(c, h, down, d)
		if feedFused(c, x, &f) == nil {
			t.Error("not fused")
		}
		if got := FeedForward(c, x, f); !slices.Equal(got.F32, want.F32) {
			t.Errorf("gated %v: %v, want %v", gated, got.F32, want.F32)
		}
	}
}
