package llama

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

func random(t testing.TB, config string) *Model { return randomOf(parse(t, config)) }

func randomOf(cfg Config) *Model {
	m := New(cfg)
	nn.Initializer{Std: func(string) float64 { return 0.2 }}.Init(m, rand.New(rand.NewPCG(1, 2)))
	return m
}

// run returns the logits of packed sequences, each behind its cache if it has one.
func run(m *Model, past []*model.KVCache, sequences ...[]int32) []float32 {
	return runner{m, nil}.logits(past, sequences...)
}

// TestCachedEqualsUncached runs the same tokens at once, in chunks, token by
// token and packed with other sequences.
func TestCachedEqualsUncached(t *testing.T) {
	for name, config := range map[string]string{
		"as many key heads":  `{"num_key_value_heads": 4`,
		"grouped":            `{"num_key_value_heads": 2`,
		"one key head, wide": `{"num_key_value_heads": 1, "head_dim": 10`,
		"biases, tied":       `{"attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true`,
		"scaled positions":   `{"rope_scaling": {"type": "linear", "factor": 3}`,
	} {
		m := random(t, config+`, "vocab_size": 50, "hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 40,
			"num_hidden_layers": 2, "max_position_embeddings": 32}`)
		cachedEqualsUncached(t, name, m)
	}
}

func cachedEqualsUncached(t *testing.T, name string, m *Model) {
	ids, other := []int32{3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 8}, []int32{7, 7, 0}
	cputest.TestAll(t, kernel.Impls, func(t *testing.T) {
		whole := run(m, nil, ids)
		v := m.Vocab()
		for _, chunk := range []int{1, 4, len(ids)} {
			past := []*model.KVCache{m.NewCache(len(ids))}
			var got []float32
			for part := range slices.Chunk(ids, chunk) {
				got = append(got, run(m, past, part)...)
			}
			modeltest.Near(t, name+", in chunks", got, whole)
			if past[0].Len() != len(ids) {
				t.Errorf("%s: the cache has %d tokens", name, past[0].Len())
			}
			past[0].Truncate(4)
			modeltest.Near(t, name+", truncated", run(m, past, ids[4:]), whole[4*v:])
		}
		packed := run(m, nil, other, ids, other)
		modeltest.Near(t, name+", packed", packed[len(other)*v:(len(other)+len(ids))*v], whole)
		modeltest.Near(t, name+", packed last", packed[(len(other)+len(ids))*v:], packed[:len(other)*v])

		past := []*model.KVCache{m.NewCache(20), m.NewCache(20)}
		run(m, past, ids[:6], other[:1])
		modeltest.Near(t, name+", packed and cached", run(m, past, ids[6:], other[1:])[:(len(ids)-6)*v], whole[6*v:])
	})
}

// TestInterleaved reorders the rows of the queries and keys of each head from
// halves to neighbours, as llama.cpp's conversion does, and wants the same logits.
func TestInterleaved(t *testing.T) {
	m := random(t, `{"vocab_size": 50, "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 10,
		"intermediate_size": 40, "num_hidden_layers": 2, "max_position_embeddings": 32, "attention_bias": true}`)
	ids := []int32{3, 1, 4, 1, 5, 9, 2, 6}
	want := run(m, nil, ids)
	m.cfg.Interleaved = true
	if slices.Equal(run(m, nil, ids), want) {
		t.Error("the order of the rows does not matter")
	}
	for _, b := range m.Blocks {
		for _, w := range []*tensor.Tensor{b.Q.Weight, b.Q.Bias, b.K.Weight, b.K.Bias} {
			interleave(w.F32, m.cfg.HeadDim, len(w.F32)/w.Shape[0])
		}
	}
	modeltest.Near(t, "interleaved", run(m, nil, ids), want)
}

// interleave reorders the rows of each head.
func interleave(w []float32, head, width int) {
	for rows := range slices.Chunk(w, head*width) {
		halves := slices.Clone(rows)
		for i := range head / 2 {
			copy(rows[2*i*width:], halves[i*width:(i+1)*width])
			copy(rows[(2*i+1)*width:], halves[(i+head/2)*width:(i+head/2+1)*width])
		}
	}
}

// TestRecomputeChangesNothing compares training with and without activations kept.
func TestRecomputeChangesNothing(t *testing.T) {
	m := random(t, `{"vocab_size": 20, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "num_hidden_layers": 2}`)
	nn.Freeze(m, func(string) bool { return true })
	gradients := func() (all []float32) {
		c := &tensor.Ctx{Train: true}
		p := &model.Prompt{IDs: []int32{1, 2, 3, 4}, Labels: []int32{2, -1, 4, -1}}
		c.Backward(model.Loss(c, alone{m}, p, 2))
		nn.Walk(m, func(_ string, w *tensor.Tensor) {
			all = append(all, w.Grad()...)
			w.ZeroGrad()
		})
		return all
	}
	want := gradients()
	m.Recompute = true
	if !slices.Equal(gradients(), want) {
		t.Error("gradients differ")
	}
}

// alone is a language model that takes no pictures.
type alone struct{ m *Model }

func (a alone) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return &model.Sequence{X: a.m.Embed(c, p.IDs), Starts: p.Starts}
}

func (a alone) Decoder() model.Decoder { return a.m }

func TestParameterNames(t *testing.T) {
	const config = `"vocab_size": 50, "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2,
		"intermediate_size": 40, "num_hidden_layers": 1}`
	shapes := map[string][]int{}
	nn.Walk(New(parse(t, `{"attention_bias": true, `+config)), func(name string, w *tensor.Tensor) { shapes[name] = w.Shape })
	for name, want := range map[string][]int{
		"model.embed_tokens.weight":                      {50, 24},
		"model.layers.0.self_attn.q_proj.bias":           {24},
		"model.layers.0.self_attn.k_proj.weight":         {12, 24},
		"model.layers.0.self_attn.o_proj.bias":           {24},
		"model.layers.0.mlp.down_proj.weight":            {24, 40},
		"model.layers.0.post_attention_layernorm.weight": {24},
		"model.norm.weight":                              {24},
		"lm_head.weight":                                 {50, 24},
	} {
		if !slices.Equal(shapes[name], want) {
			t.Errorf("%s is %v, want %v", name, shapes[name], want)
		}
	}
	if len(shapes) != 3+9+4 {
		t.Errorf("%d parameters: %v", len(shapes), shapes)
	}
	names, _ := nn.Params(New(parse(t, `{"tie_word_embeddings": true, `+config)))
	if slices.Contains(names, "lm_head.weight") {
		t.Error("a tied model has an lm_head of its own")
	}
}
