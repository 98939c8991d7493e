package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	loraIn, loraOut, loraRank = 32, 12, 3
	loraScale                 = 0.5
)

// adaptedLayer is a layer with a random update.
func adaptedLayer(dora bool, d tensor.DType) *Linear {
	rng := rand.New(rand.NewPCG(1, 2))
	l := NewLinear(loraIn, loraOut, true)
	l.LoRA = NewLoRA(l, loraRank, dora)
	l.LoRA.Scale = loraScale
	Walk(l, func(_ string, t *tensor.Tensor) {
		t.F32 = make([]float32, t.Len())
		for i := range t.F32 {
			t.F32[i] = float32(rng.NormFloat64())
		}
	})
	if d != tensor.F32 {
		l.Weight.Store(d, nil)
	}
	return l
}

func randomRows(n int) *tensor.Tensor {
	rng := rand.New(rand.NewPCG(3, 4))
	x := tensor.New(n, loraIn)
	for i := range x.F32 {
		x.F32[i] = float32(rng.NormFloat64())
	}
	return x
}

// expected is what PEFT computes: W·x + b + (g-1)·W·thin + g·s·B·A·thin, in float64.
func expected(l *Linear, x, thin *tensor.Tensor) []float64 {
	weight := make([]float32, l.Weight.Len())
	l.Weight.Floats(weight)
	u := l.LoRA
	y := make([]float64, 0, x.Rows()*loraOut)
	for i := range x.Rows() {
		for o := range loraOut {
			var whole, thinned, update, length float64
			for k := range loraIn {
				w, low := float64(weight[o*loraIn+k]), 0.0
				for r := range loraRank {
					low += float64(u.B.F32[o*loraRank+r]) * float64(u.A.F32[r*loraIn+k])
				}
				whole += w * float64(x.Row(i)[k])
				thinned += w * float64(thin.Row(i)[k])
				update += loraScale * low * float64(thin.Row(i)[k])
				length += (w + loraScale*low) * (w + loraScale*low)
			}
			g := 1.0
			if u.Magnitude != nil {
				g = float64(u.Magnitude.F32[o]) / math.Sqrt(length)
			}
			y = append(y, whole+float64(l.Bias.F32[o])+(g-1)*thinned+g*update)
		}
	}
	return y
}

func nearWide(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 1e-4) {
			t.Fatalf("%s[%d] is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// TestLoRA holds layers of every kind of base to the formula: whole, output by output,
// settled, merged, and with dropout in training.
func TestLoRA(t *testing.T) {
	for _, dora := range []bool{false, true} {
		for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, kernel.Q4_0, kernel.Q8_0} {
			l, x, c := adaptedLayer(dora, d), randomRows(5), &tensor.Ctx{}
			want := expected(l, x, x)
			nearWide(t, "output", l.Forward(c, x).F32, want)
			check := func(what string) {
				lo, hi := l.Outputs(c, x, 0, 5), l.Outputs(c, x, 5, loraOut)
				for i := range 5 {
					nearWide(t, what, append(slices.Clone(lo.Row(i)), hi.Row(i)...), want[i*loraOut:(i+1)*loraOut])
				}
			}
			check("outputs")
			l.LoRA.Settle(c, l.Weight)
			nearWide(t, "settled", l.Forward(c, x).F32, want)
			check("settled outputs")
			merged := &Linear{Weight: l.LoRA.Merged(c, l.Weight), Bias: l.Bias}
			nearWide(t, "merged", merged.Forward(c, x).F32, want)

			l.LoRA.Dropout, l.LoRA.Seed = 0.4, 7
			train := &tensor.Ctx{Train: true}
			thin := ops.Dropout(train, x, 0.4, 7)
			if slices.Equal(thin.F32, x.F32) {
				t.Fatal("nothing is dropped")
			}
			nearWide(t, "with dropout", l.Forward(train, x).F32, expected(l, x, thin))
			nearWide(t, "without it in inference", l.Forward(c, x).F32, want)
		}
	}
}

// TestMeasure wants a magnitude that changes nothing.
func TestMeasure(t *testing.T) {
	l, x, c := adaptedLayer(true, tensor.F32), randomRows(3), &tensor.Ctx{}
	clear(l.Weight.F32[:loraIn]) // a row without length
	clear(l.LoRA.B.F32[:loraRank])
	l.LoRA.Measure(c, l.Weight)
	plain := &Linear{Weight: l.LoRA.Merged(c, l.Weight), Bias: l.Bias}
	l.LoRA.Magnitude = nil
	want := l.Forward(c, x)
	got := plain.Forward(c, x)
	for i := range want.F32 {
		if d := math.Abs(float64(got.F32[i] - want.F32[i])); !(d <= 1e-5) {
			t.Fatalf("output %d is %v, want %v", i, got.F32[i], want.F32[i])
		}
	}
}

// TestFusedParts wants feed-forward parts in which one layer carries an update to be what
// their layers compute one by one, also where there is a kernel for the whole.
func TestFusedParts(t *testing.T) {
	pool := kernel.NewPool(1)
	pool.Compute = kernel.BF16
	defer pool.Close()
	gate, up, down := adaptedLayer(false, tensor.BF16), adaptedLayer(false, tensor.BF16), NewLinear(loraOut, loraIn, false)
	down.Weight = tensor.New(loraIn, loraOut)
	for i := range down.Weight.F32 {
		down.Weight.F32[i] = float32(i%5) - 2
	}
	x := randomRows(64)
	for _, only := range []*Linear{gate, up} {
		saved := []*LoRA{gate.LoRA, up.LoRA}
		gate.LoRA, up.LoRA = nil, nil
		only.LoRA = saved[0]
		c := &tensor.Ctx{Pool: pool}
		want := down.Forward(c, ops.SwiGLU(c, gate.Forward(c, x), up.Forward(c, x)))
		if got := Gated(c, x, gate, up, down); !slices.Equal(got.F32, want.F32) {
			t.Error("a gated part leaves an update out")
		}
		want = down.Forward(c, ops.Activate(c, up.Forward(c, x), ops.GELU))
		if got := FeedForward(c, x, up, down, ops.GELU); !slices.Equal(got.F32, want.F32) {
			t.Error("a part leaves an update out")
		}
		gate.LoRA, up.LoRA = saved[0], saved[1]
	}
}
