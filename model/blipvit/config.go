package blipvit

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/vit"
)

// Config is a vision_config of BLIP, BLIP-2 or InstructBLIP. What a file leaves
// out has the reference's default, which the family knows.
type Config struct {
	vit.Config
	QKVBias *bool `json:"qkv_bias"` // nil: there is one
}

// DefaultBLIP is BLIP's base size.
func DefaultBLIP() Config {
	return Config{Config: vit.Config{
		HiddenSize: 768, IntermediateSize: 3072, NumHiddenLayers: 12, NumHeads: 12, HiddenAct: "gelu",
		LayerNormEps: 1e-5, ImageSize: 384, PatchSize: 16, NumChannels: 3,
	}}
}

// DefaultEVA is EVA's ViT-g, the tower of BLIP-2 (Fang et al. 2022, https://arxiv.org/abs/2211.07636).
func DefaultEVA() Config {
	return Config{Config: vit.Config{
		HiddenSize: 1408, IntermediateSize: 6144, NumHiddenLayers: 39, NumHeads: 16, HiddenAct: "gelu",
		LayerNormEps: 1e-6, ImageSize: 224, PatchSize: 14, NumChannels: 3,
	}}
}

// ParseConfig reads a vision_config over defaults and checks it.
func ParseConfig(data []byte, defaults Config) (Config, error) {
	cfg := defaults
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return cfg, fmt.Errorf("blipvit: config: %w", err)
	}
	return cfg, nil
}
