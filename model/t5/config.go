package t5

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
)

// Config is the config.json of a T5 checkpoint, or the text_config of one that
// contains it. What a file leaves out has the reference's default.
type Config struct {
	VocabSize        int     `json:"vocab_size"`
	Width            int     `json:"d_model"`
	HeadWidth        int     `json:"d_kv"`
	Inner            int     `json:"d_ff"`
	NumLayers        int     `json:"num_layers"`         // of the encoder
	NumDecoderLayers int     `json:"num_decoder_layers"` // 0: as many as of the encoder
	NumHeads         int     `json:"num_heads"`
	Buckets          int     `json:"relative_attention_num_buckets"`
	MaxDistance      int     `json:"relative_attention_max_distance"`
	NormEps          float32 `json:"layer_norm_epsilon"`
	FeedForward      string  `json:"feed_forward_proj"` // an activation, or "gated-" and one
	TieWordEmbedding *bool   `json:"tie_word_embeddings"`
	ScaleOutputs     *bool   `json:"scale_decoder_outputs"` // what tells, in newer files, that nothing else is tied
	Positions        int     `json:"n_positions"`           // the most tokens the decoder may have; only a bound here
	PadID            *int32  `json:"pad_token_id"`
	StartID          *int32  `json:"decoder_start_token_id"` // nil: PadID

	act   ops.Act
	gated bool
}

// DefaultConfig is T5-small, which is what the reference assumes.
func DefaultConfig() Config {
	return Config{
		VocabSize: 32128, Width: 512, HeadWidth: 64, Inner: 2048, NumLayers: 6, NumHeads: 8, Buckets: 32, MaxDistance: 128,
		NormEps: 1e-6, FeedForward: "relu", Positions: 512,
	}
}

// ParseConfig reads a config.json over the defaults and checks it.
func ParseConfig(data []byte) (Config, error) {
	cfg := DefaultConfig()
	if err := json.Unmarshal(data, &cfg); err != nil {
		return cfg, fmt.Errorf("t5: config: %w", err)
	}
	return cfg, cfg.resolve()
}

// Tied reports whether the embedding table is the head too; the hidden states are
// then scaled by 1/√width before it.
func (cfg *Config) Tied() bool {
	if cfg.ScaleOutputs != nil {
		return *cfg.ScaleOutputs
	}
	return cfg.TieWordEmbedding == nil || *cfg.TieWordEmbedding
}

// Start is the token that the decoder reads first.
func (cfg *Config) Start() int32 {
	switch {
	case cfg.StartID != nil:
		return *cfg.StartID
	case cfg.PadID != nil:
		return *cfg.PadID
	}
	return 0
}

// resolve fills the derived fields and checks the rest.
func (cfg *Config) resolve() error {
	if cfg.NumDecoderLayers == 0 {
		cfg.NumDecoderLayers = cfg.NumLayers
	}
	err := cmp.Or(
		model.CheckSize("vocab_size", cfg.VocabSize, 1<<24),
		model.CheckSize("d_model", cfg.Width, 1<<20),
		model.CheckSize("d_kv", cfg.HeadWidth, 1<<12),
		model.CheckSize("d_ff", cfg.Inner, 1<<24),
		model.CheckSize("num_layers", cfg.NumLayers, 1<<10),
		model.CheckSize("num_decoder_layers", cfg.NumDecoderLayers, 1<<10),
		model.CheckSize("num_heads", cfg.NumHeads, 1<<12),
		model.CheckSize("relative_attention_num_buckets", cfg.Buckets, 1<<12),
		model.CheckSize("relative_attention_max_distance", cfg.MaxDistance, 1<<14),
		model.CheckSize("n_positions", cfg.Positions, 1<<24),
	)
	if err != nil {
		return fmt.Errorf("t5: config: %w", err)
	}
	if cfg.Buckets < 4 || cfg.Buckets%2 != 0 || cfg.MaxDistance <= cfg.Buckets/2 {
		return fmt.Errorf("t5: config: relative_attention_num_buckets is %d and relative_attention_max_distance %d; "+
			"want an even number of at least 4, and more than half of it", cfg.Buckets, cfg.MaxDistance)
	}
	if !(cfg.NormEps >= 0) {
		return fmt.Errorf("t5: config: layer_norm_epsilon is %v", cfg.NormEps)
	}
	if start := cfg.Start(); start < 0 || int(start) >= cfg.VocabSize {
		return fmt.Errorf("t5: config: decoder_start_token_id is %d and vocab_size %d", start, cfg.VocabSize)
	}
	return cfg.activation()
}

// activation takes feed_forward_proj apart.
func (cfg *Config) activation() error {
	name, gated := strings.CutPrefix(cfg.FeedForward, "gated-")
	if gated && name == "gelu" {
		name = "gelu_new" // what the reference means by it
	}
	act, err := ops.ParseAct(name)
	if err != nil {
		return fmt.Errorf("t5: config: feed_forward_proj %q: %w", cfg.FeedForward, err)
	}
	cfg.act, cfg.gated = act, gated
	return nil
}
