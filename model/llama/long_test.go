package llama

import (
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

const qwenFields = `"vocab_size": 40, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "kv_channels": 6, "intermediate_size": 60`

func parseQwenOf(t *testing.T, more string) Config {
	t.Helper()
	cfg, err := ParseQwen([]byte(`{` + qwenFields + more + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestQwenCached reads sequences that are longer than seq_length.
func TestQwenCached(t *testing.T) {
	for name, more := range map[string]string{
		"short":      `, "seq_length": 64`,
		"long":       `, "seq_length": 4`,
		"base only":  `, "seq_length": 3, "use_logn_attn": false`,
		"with tails": `, "seq_length": 5, "use_dynamic_ntk": false, "no_bias": false, "tie_word_embeddings": true`,
	} {
		t.Run(name, func(t *testing.T) {
			m := randomOf(parseQwenOf(t, more))
			ids := []int32{3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 8}
			whole := run(m, nil, ids)
			for chunk := 1; chunk < len(ids); chunk++ {
				past := []*model.KVCache{m.NewCache(len(ids))}
				past[0].PromptOr(len(ids)) // as generate does, which knows the whole prompt
				var got []float32
				for at := 0; at < len(ids); at += chunk {
					got = append(got, run(m, past, ids[at:min(at+chunk, len(ids))])...)
				}
				sameBits(t, name, got, whole)
			}
			packed := run(m, nil, ids[:3], ids)
			modeltest.Near(t, name+", packed", packed[3*m.Vocab():], whole)
		})
	}
}

// TestStepsKeepThePromptsBase: tokens behind a prompt are read with its base.
func TestStepsKeepThePromptsBase(t *testing.T) {
	m := randomOf(parseQwenOf(t, `, "seq_length": 4, "use_logn_attn": false`))
	past := []*model.KVCache{m.NewCache(16)}
	run(m, past, []int32{1, 2, 3, 4})
	got := run(m, past, []int32{5})
	plain := randomOf(parseQwenOf(t, `, "seq_length": 4, "use_logn_attn": false, "use_dynamic_ntk": false`))
	modeltest.Near(t, "the fifth token", got, run(plain, nil, []int32{1, 2, 3, 4, 5})[4*m.Vocab():])
	if !m.Alike(1, 4) || m.Alike(4, 5) || !m.Alike(5, 8) || m.Alike(8, 9) {
		t.Error("lengths that are alike")
	}
	past[0].Truncate(0)
	modeltest.Near(t, "anew", run(m, past, []int32{1, 2, 3, 4, 5}), run(m, nil, []int32{1, 2, 3, 4, 5}))
}

func TestLong(t *testing.T) {
	l := Long{Trained: 2048, NTK: true, LogN: true}
	for length, want := range map[int]float64{1: 1, 2048: 1, 2049: 3, 4096: 3, 4097: 7, 8192: 7, 8193: 15} {
		if got := l.alpha(length); got != want {
			t.Errorf("alpha of %d tokens is %v, want %v", length, got, want)
		}
	}
	if a, b := l.grows(2047), l.grows(4095); a != 1 || math.Abs(float64(b)-12.0/11) > 1e-6 {
		t.Errorf("queries grow by %v and %v", a, b)
	}
	m := randomOf(parseQwenOf(t, `, "seq_length": 2`))
	p := m.begin(&tensor.Ctx{Train: true}, &model.Sequence{X: tensor.New(9, 24)})
	if p.queries != &p.angles {
		t.Error("queries grow in training")
	}
}

func TestQwenErrors(t *testing.T) {
	for more, want := range map[string]string{
		``:                                      "need seq_length, which is 0",
		`, "seq_length": 8, "kv_channels": 8`:   "4 heads of 8 kv_channels make no hidden_size of 24",
		`, "seq_length": 8, "rotary_pct": 0.5`:  "rotary_pct is 0.5, want 1",
		`, "seq_length": 8, "vocab_size": -1`:   "vocab_size is -1",
		`, "seq_length": "x"`:                   "seq_length",
		`, "seq_length": 99999999`:              "which is 99999999",
		`, "seq_length": 8, "kv_channels": 1.5`: "kv_channels",
	} {
		if _, err := ParseQwen([]byte(`{` + qwenFields + more + `}`)); err == nil || !strings.HasPrefix(err.Error(), "qwen: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", more, err, want)
		}
	}
}

// TestQwen3Cached has norms of queries and keys, and heads of a width of their own.
func TestQwen3Cached(t *testing.T) {
	cfg, err := ParseQwen3([]byte(`{"vocab_size": 50, "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 10,
		"intermediate_size": 40, "num_hidden_layers": 2, "max_position_embeddings": 32}`))
	if err != nil {
		t.Fatal(err)
	}
	m := randomOf(cfg)
	if m.Blocks[0].Q.Bias != nil || m.Blocks[0].QNorm.Weight.Len() != 10 {
		t.Error("biases, or no norms")
	}
	cachedEqualsUncached(t, "qwen3", m)
}

// TestMixedSections: with interleaving the axes take turns.
func TestMixedSections(t *testing.T) {
	cfg := Config{HeadDim: 20, RopeScaling: &Scaling{Sections: []int{4, 3, 3}, Mixed: true}}
	want := []uint8{0, 1, 2, 0, 1, 2, 0, 1, 2, 0}
	for i, axis := range cfg.axes() {
		if axis != want[i] {
			t.Errorf("pair %d turns with axis %d, want %d", i, axis, want[i])
		}
	}
}
