package clip

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/vit"
)

// TextConfig is the text_config of a CLIP checkpoint. What a file leaves out
// has the reference's default.
type TextConfig struct {
	vit.TextConfig
	EOSTokenID int `json:"eos_token_id"`
}

// Config is the config.json of a CLIPModel.
type Config struct {
	Text          TextConfig `json:"text_config"`
	Vision        vit.Config `json:"vision_config"`
	ProjectionDim int        `json:"projection_dim"`
}

// DefaultVision is ViT-B/32, the reference's default.
func DefaultVision() vit.Config {
	return vit.Config{
		HiddenSize: 768, IntermediateSize: 3072, NumHiddenLayers: 12, NumHeads: 12, HiddenAct: "quick_gelu",
		LayerNormEps: 1e-5, ImageSize: 224, PatchSize: 32, NumChannels: 3,
	}
}

// DefaultText is the text tower beside ViT-B/32.
func DefaultText() TextConfig {
	blocks := vit.Config{
		HiddenSize: 512, IntermediateSize: 2048, NumHiddenLayers: 12, NumHeads: 8, HiddenAct: "quick_gelu", LayerNormEps: 1e-5,
	}
	return TextConfig{vit.TextConfig{Config: blocks, VocabSize: 49408, MaxPositions: 77}, 49407}
}

// ParseVision reads the config of a vision tower, alone or as a vision_config.
func ParseVision(data []byte) (vit.Config, error) {
	cfg := DefaultVision()
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return cfg, fmt.Errorf("clip: vision config: %w", err)
	}
	return cfg, nil
}

// ParseConfig reads the config of a CLIPModel.
func ParseConfig(data []byte) (Config, error) {
	cfg := Config{Text: DefaultText(), Vision: DefaultVision(), ProjectionDim: 512}
	if err := json.Unmarshal(data, &cfg); err != nil {
		return cfg, fmt.Errorf("clip: config: %w", err)
	}
	if err := cfg.Vision.Check(); err != nil {
		return cfg, fmt.Errorf("clip: config: vision_config: %w", err)
	}
	if err := cfg.Text.Check(); err != nil {
		return cfg, fmt.Errorf("clip: config: text_config: %w", err)
	}
	if cfg.ProjectionDim < 1 || cfg.ProjectionDim > 1<<16 {
		return cfg, fmt.Errorf("clip: config: projection_dim is %d", cfg.ProjectionDim)
	}
	return cfg, nil
}
