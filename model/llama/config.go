package llama

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/ops"
)

// Config is the config.json of a Llama checkpoint, or the text_config of one
// that contains it. What a file leaves out has the reference's default. What no
// config.json says is for whoever opens the weights to set.
type Config struct {
	VocabSize             int      `json:"vocab_size"`
	HiddenSize            int      `json:"hidden_size"`
	IntermediateSize      int      `json:"intermediate_size"`
	NumHiddenLayers       int      `json:"num_hidden_layers"`
	NumAttentionHeads     int      `json:"num_attention_heads"`
	NumKeyValueHeads      int      `json:"num_key_value_heads"` // 0: as many as attention heads
	HeadDim               int      `json:"head_dim"`            // 0: HiddenSize / NumAttentionHeads
	HiddenAct             string   `json:"hidden_act"`
	MaxPositionEmbeddings int      `json:"max_position_embeddings"`
	RMSNormEps            float32  `json:"rms_norm_eps"`
	TieWordEmbeddings     bool     `json:"tie_word_embeddings"`
	AttentionBias         bool     `json:"attention_bias"`
	MLPBias               bool     `json:"mlp_bias"`
	RopeTheta             float64  `json:"rope_theta"`
	RopeScaling           *Scaling `json:"rope_scaling"`
	RopeParameters        *Scaling `json:"rope_parameters"` // where newer files keep both of the above

	// QKVBias: queries, keys and values have biases, as in Qwen2.
	QKVBias bool `json:"-"`
	// Fused: queries, keys and values are one matrix, as in the first Qwen.
	Fused bool `json:"-"`
	// QKNorm: each head's query and key is normalised, as in Qwen3.
	QKNorm bool `json:"-"`
	// Long is how longer sequences than those of training are read, as the first Qwen does.
	Long Long `json:"-"`
	// Interleaved: the rows of q_proj and k_proj are ordered for rotating
	// neighbours, as in Meta's files and llama.cpp's of architecture llama.
	Interleaved bool `json:"-"`
}

// DefaultConfig is Llama-7B, which is what the reference assumes for every
// field that a file does not mention.
func DefaultConfig() Config {
	return Config{
		VocabSize: 32000, HiddenSize: 4096, IntermediateSize: 11008, NumHiddenLayers: 32, NumAttentionHeads: 32,
		HiddenAct: "silu", MaxPositionEmbeddings: 2048, RMSNormEps: 1e-6, RopeTheta: 10000,
	}
}

// ParseConfig reads a config.json over the defaults and checks it.
func ParseConfig(data []byte) (Config, error) {
	cfg := DefaultConfig()
	if err := json.Unmarshal(data, &cfg); err != nil {
		return cfg, fmt.Errorf("llama: config: %w", err)
	}
	if err := cfg.resolve(); err != nil {
		return cfg, fmt.Errorf("llama: config: %w", err)
	}
	return cfg, nil
}

// resolve fills the derived fields and checks the rest.
func (cfg *Config) resolve() error {
	for _, f := range []struct {
		name       string
		is, atMost int
	}{
		{"vocab_size", cfg.VocabSize, 1 << 24},
		{"hidden_size", cfg.HiddenSize, 1 << 20},
		{"intermediate_size", cfg.IntermediateSize, 1 << 24},
		{"num_hidden_layers", cfg.NumHiddenLayers, 1 << 10},
		{"num_attention_heads", cfg.NumAttentionHeads, 1 << 20},
		{"max_position_embeddings", cfg.MaxPositionEmbeddings, 1 << 24},
	} {
		if f.is < 1 || f.is > f.atMost {
			return fmt.Errorf("%s is %d", f.name, f.is)
		}
	}
	if cfg.NumKeyValueHeads == 0 {
		cfg.NumKeyValueHeads = cfg.NumAttentionHeads
	}
	if cfg.HeadDim == 0 {
		cfg.HeadDim = cfg.HiddenSize / cfg.NumAttentionHeads
	}
	if cfg.NumKeyValueHeads < 0 || cfg.NumAttentionHeads%cfg.NumKeyValueHeads != 0 {
		return fmt.Errorf("num_attention_heads %d is no multiple of num_key_value_heads %d", cfg.NumAttentionHeads, cfg.NumKeyValueHeads)
	}
	if cfg.HeadDim < 2 || cfg.HeadDim%2 != 0 || cfg.HeadDim > 1<<12 {
		return fmt.Errorf("head_dim is %d, want an even number", cfg.HeadDim)
	}
	if !(cfg.RMSNormEps >= 0) {
		return fmt.Errorf("rms_norm_eps is %v", cfg.RMSNormEps)
	}
	if act, err := ops.ParseAct(cfg.HiddenAct); err != nil || act != ops.SiLU {
		return fmt.Errorf("hidden_act %q, want silu", cfg.HiddenAct)
	}
	if p := cfg.RopeParameters; p != nil {
		cfg.RopeScaling = p
		if p.RopeTheta > 0 {
			cfg.RopeTheta = p.RopeTheta
		}
	}
	if cfg.RopeTheta <= 0 {
		return fmt.Errorf("rope_theta is %v", cfg.RopeTheta)
	}
	if err := cfg.checkSections(); err != nil {
		return err
	}
	return cfg.RopeScaling.check()
}
