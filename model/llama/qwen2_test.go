package llama

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

func parseQwen2(t testing.TB, config string) Config {
	t.Helper()
	cfg, err := ParseQwen2([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestQwen2Defaults compares with Qwen2Config of transformers 4.51.
func TestQwen2Defaults(t *testing.T) {
	want := Config{VocabSize: 151936, HiddenSize: 4096, IntermediateSize: 22016, NumHiddenLayers: 32, NumAttentionHeads: 32,
		NumKeyValueHeads: 32, HeadDim: 128, HiddenAct: "silu", MaxPositionEmbeddings: 32768, RMSNormEps: 1e-6, RopeTheta: 10000, QKVBias: true}
	for _, config := range []string{`{}`, `{"attention_bias": true, "mlp_bias": true, "qkv_bias": false}`} {
		if cfg := parseQwen2(t, config); cfg != want {
			t.Errorf("%s: got %+v, want %+v", config, cfg, want)
		}
	}
	// As in Qwen2-0.5B.
	cfg := parseQwen2(t, `{"hidden_size": 896, "intermediate_size": 4864, "max_position_embeddings": 131072, "max_window_layers": 24,
		"num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2, "rope_theta": 1000000.0,
		"sliding_window": 131072, "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936}`)
	if cfg.HeadDim != 64 || cfg.NumKeyValueHeads != 2 || !cfg.TieWordEmbeddings || cfg.RopeTheta != 1e6 {
		t.Errorf("%+v", cfg)
	}
	if cfg := parseQwen2(t, `{"num_attention_heads": 16, "num_key_value_heads": null}`); cfg.NumKeyValueHeads != 16 {
		t.Errorf("%+v", cfg)
	}
}

func TestQwen2Window(t *testing.T) {
	for config, refused := range map[string]bool{
		`{"use_sliding_window": true}`:                                                                true,
		`{"use_sliding_window": true, "max_window_layers": 0}`:                                        true,
		`{"use_sliding_window": true, "max_window_layers": 31}`:                                       true,
		`{"use_sliding_window": true, "max_window_layers": 32}`:                                       false,
		`{"use_sliding_window": true, "sliding_window": null}`:                                        false,
		`{"use_sliding_window": true, "sliding_window": 32768}`:                                       false,
		`{"use_sliding_window": true, "sliding_window": 32767}`:                                       true,
		`{"use_sliding_window": true, "layer_types": ["full_attention"]}`:                             false,
		`{"use_sliding_window": true, "max_window_layers": 32, "layer_types": ["sliding_attention"]}`: true,
		`{"use_sliding_window": false, "sliding_window": 16, "max_window_layers": 0}`:                 false,
		`{"use_sliding_window": false, "sliding_window": null, "layer_types": ["full_attention"]}`:    false,
		`{"use_sliding_window": false, "sliding_window": 16, "layer_types": ["sliding_attention"]}`:   false,
		`{"sliding_window": 16, "max_position_embeddings": 32}`:                                       false,
		`{"use_sliding_window": true, "num_hidden_layers": 2, "max_window_layers": 2}`:                false,
		`{"use_sliding_window": true, "max_position_embeddings": 4096, "num_hidden_layers": 32}`:      false,
	} {
		if _, err := ParseQwen2([]byte(config)); errors.Is(err, ErrSlidingWindow) != refused || !refused && err != nil {
			t.Errorf("%s: error %v", config, err)
		}
	}
}

func TestQwen2Errors(t *testing.T) {
	for config, want := range map[string]string{
		``:                            "unexpected end",
		`{"use_sliding_window": "x"}`: "use_sliding_window",
		`{"num_attention_heads": 16}`: "num_attention_heads 16 is no multiple of num_key_value_heads 32", // the default, as in the reference
		`{"hidden_act": "gelu"}`:      `hidden_act "gelu"`,
		`{"vocab_size": 0}`:           "vocab_size is 0",
		`{"rope_scaling": {"rope_type": "yarn", "factor": 4}}`: `unknown type "yarn"`,
	} {
		_, err := ParseQwen2([]byte(config))
		if err == nil || !strings.HasPrefix(err.Error(), "qwen2: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

const smallQwen2 = `{"vocab_size": 50, "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2,
	"intermediate_size": 40, "num_hidden_layers": 2, "max_position_embeddings": 32`

func TestQwen2CachedEqualsUncached(t *testing.T) {
	for name, config := range map[string]string{"own head": smallQwen2 + `}`, "tied": smallQwen2 + `, "tie_word_embeddings": true}`} {
		m := randomOf(parseQwen2(t, config))
		cachedEqualsUncached(t, name, m)
		m.cfg.Interleaved = true
		cachedEqualsUncached(t, name+", interleaved", m)
	}
}

func TestQwen2ParameterNames(t *testing.T) {
	var biases []string
	nn.Walk(New(parseQwen2(t, smallQwen2+`}`)), func(name string, _ *tensor.Tensor) {
		if b, ok := strings.CutSuffix(name, ".bias"); ok && strings.Contains(name, "layers.1.") {
			biases = append(biases, strings.TrimPrefix(b, "model.layers.1."))
		}
	})
	if want := []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}; !slices.Equal(biases, want) {
		t.Errorf("biases of %v, want %v", biases, want)
	}
}

func FuzzParseQwen2(f *testing.F) {
	f.Add([]byte(smallQwen2 + `, "use_sliding_window": true, "sliding_window": null, "layer_types": []}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseQwen2(data); err == nil {
			cfg.frequencies(cfg.MaxPositionEmbeddings + 1)
		}
	})
}
