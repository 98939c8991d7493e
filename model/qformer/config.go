package qformer

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/bert"
)

// Config is a qformer_config. What a file leaves out has the reference's default.
type Config struct {
	bert.Config
	CrossEvery int `json:"cross_attention_frequency"` // layers from one that attends to the picture to the next

	// What the family knows: whether the model reads text, and whether the embeddings of
	// text are none of the parameters under the Q-Former's name.
	ReadsText, TextApart bool `json:"-"`
}

// DefaultConfig is the Q-Former of the published checkpoints, BERT-base with a
// ViT-g behind it.
func DefaultConfig() Config {
	return Config{
		Config: bert.Config{
			VocabSize: 30522, HiddenSize: 768, NumHiddenLayers: 12, NumHeads: 12, IntermediateSize: 3072, HiddenAct: "gelu",
			LayerNormEps: 1e-12, MaxPositions: 512, EncoderWidth: 1408,
		},
		CrossEvery: 2,
	}
}

// ParseConfig reads a config over the defaults and checks it.
func ParseConfig(data []byte) (Config, error) {
	cfg := DefaultConfig()
	if err := cfg.read(data); err != nil {
		return cfg, fmt.Errorf("qformer: config: %w", err)
	}
	return cfg, nil
}

func (cfg *Config) read(data []byte) error {
	if err := json.Unmarshal(data, cfg); err != nil {
		return err
	}
	if cfg.CrossEvery < 1 || cfg.CrossEvery > 1<<10 {
		return fmt.Errorf("cross_attention_frequency is %d", cfg.CrossEvery)
	}
	return cfg.Check()
}
