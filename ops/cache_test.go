package ops

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

func randomTensor(rng *rand.Rand, shape ...int) *T {
	t := tensor.New(shape...)
	for i := range t.F32 {
		t.F32[i] = noise(rng)
	}
	return t
}

// rowsOf copies rows [lo, hi) of t.
func rowsOf(t *T, lo, hi int) *T {
	n := t.Cols()
	return tensor.From(slices.Clone(t.F32[lo*n:hi*n]), hi-lo, n)
}

// TestAttentionWithCache feeds two sequences in chunks, single tokens among
// them, and expects the bits of the whole.
func TestAttentionWithCache(t *testing.T) {
	for _, compute := range []tensor.DType{tensor.F32, tensor.BF16} {
		t.Run(compute.String(), func(t *testing.T) { testCache(t, compute, nil) })
		t.Run(compute.String()+" relative", func(t *testing.T) {
			r := &Relative{Table: randomTensor(rand.New(rand.NewPCG(2, 2)), 7, 6)}
			for i := range 301 {
				r.Buckets = append(r.Buckets, int32(i%7))
			}
			testCache(t, compute, r)
		})
	}
}

func testCache(t *testing.T, compute tensor.DType, r *Relative) {
	const heads, kvHeads, d, n = 6, 2, 8, 600
	pool := kernel.NewPool(2)
	pool.Compute = compute
	defer pool.Close()
	cputest.TestAll(t, kernel.Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		q, k, v := randomTensor(rng, 2*n, heads*d), randomTensor(rng, 2*n, kvHeads*d), randomTensor(rng, 2*n, kvHeads*d)
		a := Attn{Heads: heads, KVHeads: kvHeads, Causal: true, Starts: []int{0, n, 2 * n}, Relative: r}
		c := &tensor.Ctx{Pool: pool}
		want := slices.Clone(Attention(c, q, k, v, &a).F32)

		var got [2][]float32
		past := []*KV{NewKV(n, kvHeads*d), NewKV(n, kvHeads*d)}
		for at, step := range chunks(n) {
			c.Reset()
			// The second sequence follows the first one in every packed chunk.
			y := Attention(c, pair(q, at, step, n), pair(k, at, step, n), pair(v, at, step, n),
				&Attn{Heads: heads, KVHeads: kvHeads, Causal: true, Starts: []int{0, step, 2 * step}, Past: past, Relative: r})
			half := len(y.F32) / 2
			got[0], got[1] = append(got[0], y.F32[:half]...), append(got[1], y.F32[half:]...)
		}
		if !slices.Equal(append(got[0], got[1]...), want) {
			t.Error("chunks differ from the whole")
		}
		past[0].Truncate(n / 2)
		y := Attention(c, rowsOf(q, n/2, n), rowsOf(k, n/2, n), rowsOf(v, n/2, n),
			&Attn{Heads: heads, KVHeads: kvHeads, Causal: true, Past: past[:1], Relative: r})
		if w := heads * d; !slices.Equal(y.F32, want[n/2*w:n*w]) {
			t.Error("a truncated cache differs from the whole")
		}
	})
}

// chunks cuts n tokens into a prefill of several chunks and single tokens.
func chunks(n int) func(yield func(at, step int) bool) {
	return func(yield func(at, step int) bool) {
		for at, i := 0, 0; at < n; i++ {
			step := min([]int{130, 1, 7, 1, 255}[i%5], n-at)
			if !yield(at, step) {
				return
			}
			at += step
		}
	}
}

// pair packs rows [at, at+step) of two sequences of n rows.
func pair(t *T, at, step, n int) *T {
	a, b := rowsOf(t, at, at+step), rowsOf(t, n+at, n+at+step)
	return tensor.From(append(a.F32, b.F32...), 2*step, t.Cols())
}

// TestAttentionMemory: the memory of a long sequence must not grow with the square of its length.
func TestAttentionMemory(t *testing.T) {
	const n, d, heads = 4096, 4, 2
	rng := rand.New(rand.NewPCG(1, 1))
	c := &tensor.Ctx{Train: true}
	q, k, v := randomTensor(rng, n, heads*d), randomTensor(rng, n, heads*d), randomTensor(rng, n, heads*d)
	q.SetTrainable(true)
	k.SetTrainable(true)
	v.SetTrainable(true)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.Backward(Sum(c, Attention(c, q, k, v, &Attn{Heads: heads, KVHeads: heads, Causal: true})))
	runtime.ReadMemStats(&after)
	bytes := after.TotalAlloc - before.TotalAlloc
	if bytes > 8<<20 {
		t.Errorf("%d MiB of memory for %d tokens; a square of scores has %d", bytes>>20, n, n*n*4>>20)
	}
}

func TestPanics(t *testing.T) {
	c := &tensor.Ctx{}
	train := &tensor.Ctx{Train: true}
	x, y := tensor.New(2, 4), tensor.New(2, 6)
	full := NewKV(1, 4)
	for name, f := range map[string]func(){
		"Linear":            func() { Linear(c, x, y, nil) },
		"Add":               func() { Add(c, x, y) },
		"AddRows index":     func() { AddRows(c, x, x, []int32{0, 2}) },
		"Gather index":      func() { Gather(c, []int32{-1}, x) },
		"Gather width":      func() { Gather(c, []int32{0}, x, y) },
		"Join":              func() { Join(c, x, tensor.New(3, 4)) },
		"RMSNorm":           func() { RMSNorm(c, x, tensor.New(6), 1e-5) },
		"LayerNorm":         func() { LayerNorm(c, x, nil, tensor.New(6), 1e-5) },
		"RoPE":              func() { RoPE(c, x, &Rotary{Dim: 4, HeadDim: 4}) },
		"CrossEntropy":      func() { CrossEntropy(c, x, []int32{0, 4}, 1) },
		"Weights":           func() { WeightedCrossEntropy(c, x, []int32{0, 1}, []float32{1}, 1) },
		"Patches":           func() { Patches(c, x, 1) },
		"Attention width":   func() { Attention(c, x, x, y, &Attn{Heads: 2, KVHeads: 2}) },
		"Attention heads":   func() { Attention(c, x, x, x, &Attn{Heads: 3, KVHeads: 2}) },
		"Attention bounds":  func() { Attention(c, x, x, x, &Attn{Heads: 1, KVHeads: 1, Starts: []int{0, 1}}) },
		"Attention no keys": func() { Attention(c, x, tensor.New(0, 4), tensor.New(0, 4), &Attn{Heads: 1, KVHeads: 1}) },
		"Attention full":    func() { Attention(c, x, x, x, &Attn{Heads: 1, KVHeads: 1, Past: []*KV{full}}) },
		"Attention branches": func() {
			Attention(c, x, x, x, &Attn{Heads: 1, KVHeads: 1, Causal: true, Branches: [][]int{{0}}})
		},
		"Attention distances": func() {
			Attention(c, x, x, x, &Attn{Heads: 1, KVHeads: 1, Relative: &Relative{tensor.New(3, 1), []int32{0, 1, 3}}})
		},
		"Attention table": func() {
			Attention(c, x, x, x, &Attn{Heads: 2, KVHeads: 2, Relative: &Relative{tensor.New(3, 1), []int32{0, 1, 2}}})
		},
		"Attention training": func() {
			Attention(train, x, x, x, &Attn{Heads: 1, KVHeads: 1, Past: []*KV{NewKV(9, 4)}})
		},
		"Truncate": func() { full.Truncate(1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestParseAct(t *testing.T) {
	for name, want := range map[string]Act{
		"silu": SiLU, "swish": SiLU, "gelu": GELU, "gelu_new": GELUTanh, "quick_gelu": QuickGELU, "relu": ReLU,
	} {
		if got, err := ParseAct(name); err != nil || got != want {
			t.Errorf("ParseAct(%q) = %v, %v", name, got, err)
		}
	}
	for a := SiLU; a <= ReLU; a++ {
		if got, err := ParseAct(a.String()); err != nil || got != a {
			t.Errorf("ParseAct(%q) = %v, %v", a, got, err)
		}
	}
	if _, err := ParseAct("sine"); err == nil {
		t.Error("an unknown activation is accepted")
	}
}
