package llama

import (
	"encoding/json"
	"fmt"
)

// ParseQwen reads the config.json of the first Qwen and checks it: Llama's decoder
// with queries, keys and values in one matrix with biases, and its own way with
// long sequences. Its intermediate_size counts both halves of the gated part. What a
// file leaves out has the default of the reference, QWenConfig.
func ParseQwen(data []byte) (Config, error) {
	cfg, err := parseQwen(data)
	if err != nil {
		return cfg, fmt.Errorf("qwen: config: %w", err)
	}
	return cfg, nil
}

func parseQwen(data []byte) (Config, error) {
	f := struct {
		Vocab     int     `json:"vocab_size"`
		Width     int     `json:"hidden_size"`
		Layers    int     `json:"num_hidden_layers"`
		Heads     int     `json:"num_attention_heads"`
		Head      int     `json:"kv_channels"`
		Inner     int     `json:"intermediate_size"`
		Eps       float32 `json:"layer_norm_epsilon"`
		Positions int     `json:"max_position_embeddings"`
		Trained   int     `json:"seq_length"`
		Turned    float64 `json:"rotary_pct"`
		Base      float64 `json:"rotary_emb_base"`
		NTK       bool    `json:"use_dynamic_ntk"`
		LogN      bool    `json:"use_logn_attn"`
		Plain     bool    `json:"no_bias"`
		Tied      bool    `json:"tie_word_embeddings"`
	}{151936, 4096, 32, 32, 128, 22016, 1e-6, 8192, 0, 1, 10000, true, true, true, false}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, err
	}
	cfg := Config{
		VocabSize: f.Vocab, HiddenSize: f.Width, IntermediateSize: f.Inner / 2, NumHiddenLayers: f.Layers, NumAttentionHeads: f.Heads,
		HeadDim: f.Head, HiddenAct: "silu", MaxPositionEmbeddings: f.Positions, RMSNormEps: f.Eps, RopeTheta: f.Base,
		TieWordEmbeddings: f.Tied, AttentionBias: !f.Plain, MLPBias: !f.Plain, QKVBias: true, Fused: true,
		Long: Long{Trained: f.Trained, NTK: f.NTK, LogN: f.LogN},
	}
	if err := cfg.resolve(); err != nil {
		return cfg, err
	}
	switch {
	case cfg.HeadDim*cfg.NumAttentionHeads != cfg.HiddenSize:
		return cfg, fmt.Errorf("%d heads of %d kv_channels make no hidden_size of %d", f.Heads, f.Head, f.Width)
	case f.Turned != 1:
		return cfg, fmt.Errorf("rotary_pct is %v, want 1", f.Turned)
	case (f.NTK || f.LogN) && (f.Trained < 2 || f.Trained > 1<<24):
		return cfg, fmt.Errorf("use_dynamic_ntk and use_logn_attn need seq_length, which is %d", f.Trained)
	}
	return cfg, nil
}
