package llama

import (
	"errors"
	"strings"
	"testing"
)

// TestMistral compares with MistralConfig of transformers 4.51, and with the
// text_config of llava-hf/llava-v1.6-mistral-7b-hf.
func TestMistral(t *testing.T) {
	want := Config{VocabSize: 32000, HiddenSize: 4096, IntermediateSize: 14336, NumHiddenLayers: 32, NumAttentionHeads: 32,
		NumKeyValueHeads: 8, HeadDim: 128, HiddenAct: "silu", MaxPositionEmbeddings: 131072, RMSNormEps: 1e-6, RopeTheta: 10000}
	if cfg, err := ParseMistral([]byte(`{"sliding_window": null, "attention_bias": true}`)); err != nil || cfg != want {
		t.Errorf("got %+v, want %+v; %v", cfg, want, err)
	}
	cfg, err := ParseMistral([]byte(`{"_name_or_path": "mistralai/Mistral-7B-Instruct-v0.2", "intermediate_size": 14336, "max_position_embeddings": 32768,
		"model_type": "mistral", "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null, "vocab_size": 32064}`))
	if err != nil || cfg.VocabSize != 32064 || cfg.RopeTheta != 1e6 || cfg.NumKeyValueHeads != 8 {
		t.Errorf("%+v, %v", cfg, err)
	}
	if _, err := ParseMistral([]byte(`{"max_position_embeddings": 8192}`)); !errors.Is(err, ErrSlidingWindow) || !strings.Contains(err.Error(), "sliding_window 4096") {
		t.Errorf("a window: %v", err)
	}
	if _, err := ParseMistral([]byte(`{"sliding_window": 4096, "max_position_embeddings": 4096}`)); err != nil {
		t.Errorf("a window over everything: %v", err)
	}
}
