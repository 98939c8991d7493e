package opt

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

const tiny = `"vocab_size": 11, "hidden_size": 6, "ffn_dim": 7, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16}`

// kinds are configs, and the logits behind the last of ids that OPTForCausalLM of
// transformers 5.24 (torch 2.15) gives with the weights of waves.
var kinds = map[string][]float32{
	`{`: {0.619195, -0.746026, 0.112299, 0.635914, -0.735827, 0.08558, 0.651914, -0.724795, 0.058764, 0.667176, -0.712945},
	`{"do_layer_norm_before": false, "word_embed_proj_dim": 4, `: {0.016052, -0.017491, 0.016909, -0.014373, 0.010176, -0.004804,
		-0.001124, 0.006922, -0.01192, 0.015541, -0.017365},
	`{"_remove_final_layer_norm": true, "enable_bias": false, "activation_function": "gelu", `: {0.143366, -0.638631, 0.482826, 0.16521,
		-0.644818, 0.467048, 0.186867, -0.650275, 0.450742, 0.208313, -0.654998},
}

var ids = []int32{3, 1, 4, 1, 5, 9, 2, 6, 5}

// waves are weights that are sines of the elements' numbers.
func waves(t testing.TB, config string) *Model {
	t.Helper()
	cfg, err := ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	m := New(cfg)
	modeltest.Waves(m)
	return m
}

func run(m *Model, p *kernel.Pool, past []*model.KVCache, sequences ...[]int32) []float32 {
	c, starts := &tensor.Ctx{Pool: p}, []int{0}
	for _, s := range sequences {
		starts = append(starts, starts[len(starts)-1]+len(s))
	}
	x := m.Embed(c, slices.Concat(sequences...))
	return m.Logits(c, m.Forward(c, &model.Sequence{X: x, Starts: starts, Past: past})).F32
}

func TestReference(t *testing.T) {
	for config, want := range kinds {
		m := waves(t, config+tiny)
		got := run(m, nil, nil, ids)
		for i, w := range want {
			if g := got[(len(ids)-1)*m.Vocab()+i]; !(math.Abs(float64(g-w)) < 2e-6) {
				t.Errorf("%s: logit %d is %v, want %v", config, i, g, w)
			}
		}
	}
}

// TestCachedEqualsUncached wants the same bits from chunks, packs and steps.
func TestCachedEqualsUncached(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for config := range kinds {
		m := waves(t, config+tiny)
		whole, v := run(m, nil, nil, ids), m.Vocab()
		for _, chunk := range []int{1, 4, len(ids)} {
			past := []*model.KVCache{m.NewCache(len(ids))}
			var got []float32
			for part := range slices.Chunk(ids, chunk) {
				got = append(got, run(m, pool, past, part)...)
			}
			if !slices.Equal(got, whole) {
				t.Errorf("%s: chunks of %d differ", config, chunk)
			}
		}
		past := []*model.KVCache{m.NewCache(16), m.NewCache(16)}
		run(m, pool, past, ids[:6], ids[3:4])
		if got := run(m, pool, past, ids[6:], ids[4:7]); !slices.Equal(got[:3*v], whole[6*v:]) {
			t.Errorf("%s: packed and cached differ", config)
		}
	}
}

// TestGradients is with a smooth activation: ReLU has corners.
func TestGradients(t *testing.T) {
	for config := range kinds {
		m := waves(t, config+`"activation_function": "gelu", `+tiny)
		p := &model.Prompt{IDs: ids, Labels: []int32{1, -1, 1, 5, 9, 2, 6, 5, -1}, Starts: []int{0, 4, 9}}
		gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return model.Loss(c, alone{m}, p, 1) }, func(name string) bool {
			return !m.cfg.Bias && strings.Contains(name, "proj.bias")
		})
	}
}

// alone is a language model that takes no pictures.
type alone struct{ m *Model }

func (a alone) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return &model.Sequence{X: a.m.Embed(c, p.IDs), Starts: p.Starts}
}

func (a alone) Decoder() model.Decoder { return a.m }

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{"vocab_size": 0}`:                         "vocab_size is 0",
		`{"word_embed_proj_dim": -1}`:               "word_embed_proj_dim is -1",
		`{"num_attention_heads": 5}`:                "no multiple",
		`{"activation_function": "sine"}`:           `unknown activation "sine"`,
		`{"layer_norm_elementwise_affine": false}`:  "norms without weights",
		`{"max_position_embeddings": 999999999999}`: "max_position_embeddings",
		`[]`: "cannot unmarshal",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{` + tiny))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && (cfg.NumAttentionHeads < 1 || cfg.EmbedSize < 1) {
			t.Error("no heads")
		}
	})
}
