package ops

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// block is a transformer block on the ops, as the models build them.
type block struct {
	norm1, norm2, q, k, v, o, gate, up, down *T
	attn                                     *Attn
	rope                                     *Rotary
}

// newBlock makes a block for packed sequences of the given length.
func newBlock(width, heads, hidden, sequences, length int, causal bool) *block {
	rng := rand.New(rand.NewPCG(9, 9))
	w := func(shape ...int) *T {
		t := randomTensor(rng, shape...)
		kernel.Scale(t.F32, t.F32, 0.05)
		t.SetTrainable(true)
		return t
	}
	b := &block{w(width), w(width), w(width, width), w(width, width), w(width, width), w(width, width),
		w(hidden, width), w(hidden, width), w(width, hidden),
		&Attn{Heads: heads, KVHeads: heads, Causal: causal}, &Rotary{Dim: width / heads, HeadDim: width / heads}}
	for i := range sequences + 1 {
		b.attn.Starts = append(b.attn.Starts, i*length)
	}
	b.rope.Cos = make([]float32, sequences*length*width/heads/2)
	b.rope.Sin = make([]float32, len(b.rope.Cos))
	for i := range b.rope.Cos {
		b.rope.Cos[i] = 1
	}
	return b
}

func (b *block) parameters() []*T {
	return []*T{b.norm1, b.norm2, b.q, b.k, b.v, b.o, b.gate, b.up, b.down}
}

func (b *block) run(c *tensor.Ctx, x *T) *T {
	h := RMSNorm(c, x, b.norm1, 1e-5)
	q, k := RoPE(c, Linear(c, h, b.q, nil), b.rope), RoPE(c, Linear(c, h, b.k, nil), b.rope)
	x = Add(c, x, Linear(c, Attention(c, q, k, Linear(c, h, b.v, nil), b.attn), b.o, nil))
	h = RMSNorm(c, x, b.norm2, 1e-5)
	return Add(c, x, Linear(c, SwiGLU(c, Linear(c, h, b.gate, nil), Linear(c, h, b.up, nil)), b.down, nil))
}

// TestRecompute: recomputed blocks, nested too, give the bits of plain ones.
func TestRecompute(t *testing.T) {
	b := newBlock(16, 2, 24, 3, 5, true)
	x := randomTensor(rand.New(rand.NewPCG(2, 2)), 15, 16)
	x.SetTrainable(true)
	grads := func(f func(c *tensor.Ctx, x *T) *T) (all [][]float32) {
		c := &tensor.Ctx{Train: true}
		for range 2 { // the second time in a used arena
			all = nil
			for _, p := range append(b.parameters(), x) {
				p.ZeroGrad()
			}
			c.Reset()
			y := f(c, Scale(c, x, 1))
			c.Backward(Sum(c, Mul(c, y, y)))
			for _, p := range append(b.parameters(), x) {
				all = append(all, slices.Clone(p.Grad()))
			}
		}
		return all
	}
	plain := grads(func(c *tensor.Ctx, x *T) *T { return b.run(c, b.run(c, x)) })
	for name, f := range map[string]func(c *tensor.Ctx, x *T) *T{
		"each": func(c *tensor.Ctx, x *T) *T { return c.Recompute(c.Recompute(x, b.run), b.run) },
		"nested": func(c *tensor.Ctx, x *T) *T {
			return c.Recompute(x, func(c *tensor.Ctx, x *T) *T { return b.run(c, c.Recompute(x, b.run)) })
		},
	} {
		for i, g := range grads(f) {
			if !slices.Equal(g, plain[i]) {
				t.Errorf("%s: another gradient of %v", name, append(b.parameters(), x)[i])
			}
		}
	}
}

// TestDecodeAllocatesNothing runs a decode step of a block, its embedding and its logits.
func TestDecodeAllocatesNothing(t *testing.T) {
	const width, heads = 256, 4
	b := newBlock(width, heads, 512, 1, 1, true)
	rng := rand.New(rand.NewPCG(4, 4))
	table, norm, image := randomTensor(rng, 50, width), randomTensor(rng, width), randomTensor(rng, 3, width)
	half := tensorOf(norm.F32, norm.Shape, tensor.BF16).T
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			c := &tensor.Ctx{Pool: kernel.NewPool(workers)}
			defer c.Pool.Close()
			kv := NewKV(600, width)
			b.attn = &Attn{Heads: heads, KVHeads: heads, Causal: true, Past: []*KV{kv}}
			idx := []int32{7}
			Attention(c, tensor.New(500, width), tensor.New(500, width), tensor.New(500, width), b.attn)
			allocs := testing.AllocsPerRun(50, func() {
				c.Reset()
				x := AddRows(c, Gather(c, idx, table, image), table, idx)
				x = LayerNorm(c, b.run(c, x), norm, half, 1e-5)
				x = L2Norm(c, Scale(c, Activate(c, Mul(c, x, x), GELU), 0.5))
				Softmax(c, Linear(c, Join(c, x), table, nil))
			})
			if allocs != 0 {
				t.Errorf("a decode step allocates %v times", allocs)
			}
		})
	}
}
