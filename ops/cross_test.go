package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// TestCrossAttentionWithCache reads filled caches without keys of its own, by one
// query, by several, and packed with a sequence that brings keys.
func TestCrossAttentionWithCache(t *testing.T) {
	const heads, d, n = 2, 8, 70
	for _, compute := range []tensor.DType{tensor.F32, tensor.BF16} {
		pool := kernel.NewPool(2)
		defer pool.Close()
		pool.Compute = compute
		c := &tensor.Ctx{Pool: pool}
		rng := rand.New(rand.NewPCG(1, 1))
		q := randomTensor(rng, 2*n, heads*d)
		k, v := randomTensor(rng, 300+9, heads*d), randomTensor(rng, 300+9, heads*d)
		none := tensor.New(0, heads*d)
		want := slices.Clone(Attention(c, q, k, v,
			&Attn{Heads: heads, KVHeads: heads, Starts: []int{0, n, 2 * n}, KStarts: []int{0, 300, 309}}).F32)
		past := []*KV{NewKV(300, heads*d), NewKV(9, heads*d)}
		var got [2][]float32
		for at, step := range chunks(n) {
			a := &Attn{Heads: heads, KVHeads: heads, Starts: []int{0, step, 2 * step}, KStarts: []int{0, 0, 0}, Past: past}
			keys, values := none, none
			if at == 0 {
				keys, values, a.KStarts = k, v, []int{0, 300, 309}
			}
			c.Reset()
			y := Attention(c, pair(q, at, step, n), keys, values, a)
			half := len(y.F32) / 2
			got[0], got[1] = append(got[0], y.F32[:half]...), append(got[1], y.F32[half:]...)
		}
		if !slices.Equal(append(got[0], got[1]...), want) {
			t.Errorf("%v: chunks differ from the whole", compute)
		}
		second := NewKV(9, heads*d) // one sequence brings its keys, the other has them
		y := Attention(c, q, rowsOf(k, 300, 309), rowsOf(v, 300, 309),
			&Attn{Heads: heads, KVHeads: heads, Starts: []int{0, n, 2 * n}, KStarts: []int{0, 0, 9}, Past: []*KV{past[0], second}})
		if !slices.Equal(y.F32, want) {
			t.Errorf("%v: packed with one that brings keys: differs", compute)
		}
	}
}
