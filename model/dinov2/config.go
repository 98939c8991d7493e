package dinov2

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/vit"
)

// Config is the config.json of a Dinov2Model. What a file leaves out has the
// reference's default.
type Config struct {
	vit.Config
	MLPRatio float64 `json:"mlp_ratio"`
	QKVBias  bool    `json:"qkv_bias"`
	SwiGLU   bool    `json:"use_swiglu_ffn"` // in place of two layers and an activation: the giant model
	Mask     bool    `json:"use_mask_token"` // whether the checkpoint has one; only pre-training uses it

	// Offset is what the authors' own code adds to the grid that the table of
	// positions is fitted to: 0.1 there, and 0 in Hugging Face's.
	Offset float64 `json:"interpolate_offset"`
}

// ParseConfig reads and checks a config.
func ParseConfig(data []byte) (Config, error) {
	cfg := Config{
		Config: vit.Config{
			HiddenSize: 768, NumHiddenLayers: 12, NumHeads: 12, HiddenAct: "gelu",
			LayerNormEps: 1e-6, ImageSize: 224, PatchSize: 14, NumChannels: 3,
		},
		MLPRatio: 4, QKVBias: true, Mask: true,
	}
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.resolve()
	}
	if err != nil {
		return cfg, fmt.Errorf("dinov2: config: %w", err)
	}
	return cfg, nil
}

// resolve checks, and computes the width of the feed-forward part, of which the file tells a ratio.
func (cfg *Config) resolve() error {
	if !(cfg.MLPRatio > 0 && cfg.MLPRatio <= 64) {
		return fmt.Errorf("mlp_ratio is %v", cfg.MLPRatio)
	}
	if cfg.Offset != 0 && cfg.Offset != 0.1 {
		return fmt.Errorf("interpolate_offset is %v, known: 0, 0.1", cfg.Offset)
	}
	cfg.IntermediateSize = int(float64(min(cfg.HiddenSize, 1<<20)) * cfg.MLPRatio)
	if cfg.SwiGLU { // two thirds, as there are three matrices, in multiples of 8
		cfg.IntermediateSize = (int(float64(cfg.IntermediateSize)*2/3) + 7) / 8 * 8
	}
	return cfg.Check()
}
