package convnext

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/ops"
)

// Config is the config.json of a ConvNextModel. What a file leaves out has the
// reference's default.
type Config struct {
	HiddenSizes    []int   `json:"hidden_sizes"` // channels by stage
	Depths         []int   `json:"depths"`       // blocks by stage
	PatchSize      int     `json:"patch_size"`
	NumChannels    int     `json:"num_channels"`
	HiddenAct      string  `json:"hidden_act"`
	LayerNormEps   float32 `json:"layer_norm_eps"`         // of the last norm
	LayerScaleInit float64 `json:"layer_scale_init_value"` // 0: the blocks have no layer scale
	BlockNormEps   float32 `json:"block_norm_eps"`         // of the other norms; in Hugging Face's models always 1e-6

	// NormFeatures: the features go through the last norm.
	NormFeatures bool `json:"-"`

	act ops.Act
}

// ParseConfig reads and checks a config.
func ParseConfig(data []byte) (Config, error) {
	cfg := Config{
		HiddenSizes: []int{96, 192, 384, 768}, Depths: []int{3, 3, 9, 3}, PatchSize: 4, NumChannels: 3,
		HiddenAct: "gelu", LayerNormEps: 1e-12, LayerScaleInit: 1e-6, BlockNormEps: 1e-6,
	}
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.check()
	}
	if err != nil {
		return cfg, fmt.Errorf("convnext: config: %w", err)
	}
	return cfg, nil
}

func (cfg *Config) check() (err error) {
	if cfg.NumChannels != 3 || cfg.PatchSize < 1 || cfg.PatchSize > 1<<10 {
		return fmt.Errorf("patch_size %d, num_channels %d", cfg.PatchSize, cfg.NumChannels)
	}
	if n := len(cfg.HiddenSizes); n < 1 || n > 16 || len(cfg.Depths) != n {
		return fmt.Errorf("hidden_sizes %v and depths %v, want one of each for every stage", cfg.HiddenSizes, cfg.Depths)
	}
	for i, n := range cfg.HiddenSizes {
		if n < 1 || n > 1<<16 || cfg.Depths[i] < 1 || cfg.Depths[i] > 1<<10 {
			return fmt.Errorf("stage %d has hidden size %d and depth %d", i, n, cfg.Depths[i])
		}
	}
	if cfg.act, err = ops.ParseAct(cfg.HiddenAct); err != nil {
		return fmt.Errorf("hidden_act: %w", err)
	}
	return nil
}
