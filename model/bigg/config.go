package bigg

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/vit"
)

const (
	eps      = 1e-6 // of all norms; no config says it
	maxRatio = 64
)

// Parse reads the visual part of Qwen-VL's config.json, which has to say all.
func Parse(data []byte) (vit.Config, error) {
	var f struct {
		Width  int     `json:"width"`
		Layers int     `json:"layers"`
		Heads  int     `json:"heads"`
		Ratio  float64 `json:"mlp_ratio"`
		Image  int     `json:"image_size"`
		Patch  int     `json:"patch_size"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return vit.Config{}, fmt.Errorf("bigg: config: %w", err)
	}
	cfg := vit.Config{
		HiddenSize: f.Width, NumHiddenLayers: f.Layers, NumHeads: f.Heads, HiddenAct: "gelu", LayerNormEps: eps,
		ImageSize: f.Image, PatchSize: f.Patch, NumChannels: 3,
	}
	if !(f.Ratio > 0 && f.Ratio <= maxRatio) {
		return cfg, fmt.Errorf("bigg: config: mlp_ratio is %v", f.Ratio)
	}
	cfg.IntermediateSize = int(float64(min(f.Width, 1<<20)) * f.Ratio)
	if err := cfg.Check(); err != nil {
		return cfg, fmt.Errorf("bigg: config: %w", err)
	}
	return cfg, nil
}
