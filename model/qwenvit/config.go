package qwenvit

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/ops"
)

// Config is a tower of either kind.
type Config struct {
	Width, FeedForward, Depth, Heads int
	Act                              ops.Act
	Out                              int // width of the language model, for the merger

	PatchSize int // pixels on a side of a patch
	Merge     int // patches on a side of a square that becomes one token
	Frames    int // pictures that a patch spans in time; a still one is repeated

	Gated  bool  // Qwen2.5-VL: RMSNorm, and a gated feed-forward part
	Window int   // pixels on a side of the windows that most blocks attend in; 0: none
	Full   []int // blocks that attend to the whole picture
}

// common is what both kinds of vision_config say alike.
type common struct {
	Depth    int    `json:"depth"`
	Heads    int    `json:"num_heads"`
	Act      string `json:"hidden_act"`
	Channels int    `json:"in_channels"`
	Patch    int    `json:"patch_size"`
	Merge    int    `json:"spatial_merge_size"`
	Frames   int    `json:"temporal_patch_size"`
}

// Parse2 reads the vision_config of a Qwen2VLForConditionalGeneration over the reference's defaults.
func Parse2(data []byte) (Config, error) {
	f := struct {
		common
		Width int     `json:"embed_dim"`
		Out   int     `json:"hidden_size"`
		Ratio float64 `json:"mlp_ratio"`
	}{common{32, 16, "quick_gelu", 3, 14, 2, 2}, 1280, 3584, 4}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("qwenvit: config: %w", err)
	}
	cfg := Config{Width: f.Width, Out: f.Out}
	if f.Ratio > 0 && f.Ratio <= 64 {
		cfg.FeedForward = int(float64(min(f.Width, maxWidth)) * f.Ratio)
	}
	return f.finish(cfg)
}

// Parse25 reads the vision_config of a Qwen2_5_VLForConditionalGeneration over the reference's defaults.
func Parse25(data []byte) (Config, error) {
	f := struct {
		common
		Width       int   `json:"hidden_size"`
		Out         int   `json:"out_hidden_size"`
		FeedForward int   `json:"intermediate_size"`
		Window      int   `json:"window_size"`
		Full        []int `json:"fullatt_block_indexes"`
	}{common{32, 16, "silu", 3, 14, 2, 2}, 3584, 3584, 3420, 112, []int{7, 15, 23, 31}}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("qwenvit: config: %w", err)
	}
	return f.finish(Config{Width: f.Width, Out: f.Out, FeedForward: f.FeedForward, Gated: true, Window: f.Window, Full: f.Full})
}

func (f common) finish(cfg Config) (Config, error) {
	cfg.Depth, cfg.Heads, cfg.PatchSize, cfg.Merge, cfg.Frames = f.Depth, f.Heads, f.Patch, f.Merge, f.Frames
	act, err := ops.ParseAct(f.Act)
	cfg.Act = act
	if err != nil {
		err = fmt.Errorf("hidden_act: %w", err)
	} else {
		err = cfg.check(f.Channels)
	}
	if err != nil {
		return cfg, fmt.Errorf("qwenvit: config: %w", err)
	}
	return cfg, nil
}

const maxWidth = 1 << 20

func (cfg *Config) check(channels int) error {
	for _, f := range []struct {
		name       string
		is, atMost int
	}{
		{"width", cfg.Width, maxWidth}, {"width of the output", cfg.Out, maxWidth}, {"feed-forward width", cfg.FeedForward, maxWidth},
		{"depth", cfg.Depth, 1 << 10}, {"num_heads", cfg.Heads, 1 << 16},
		{"patch_size", cfg.PatchSize, 1 << 8}, {"spatial_merge_size", cfg.Merge, 1 << 4}, {"temporal_patch_size", cfg.Frames, 1 << 4},
	} {
		if f.is < 1 || f.is > f.atMost {
			return fmt.Errorf("%s is %d", f.name, f.is)
		}
	}
	switch {
	case channels != 3:
		return fmt.Errorf("in_channels is %d, want 3", channels)
	case cfg.Width%cfg.Heads != 0 || cfg.Width/cfg.Heads%4 != 0:
		return fmt.Errorf("width %d in %d heads: positions need heads of a multiple of 4", cfg.Width, cfg.Heads)
	case cfg.Gated && cfg.Act != ops.SiLU:
		return fmt.Errorf("hidden_act %v, want silu", cfg.Act)
	case cfg.Gated && cfg.Window < cfg.PatchSize*cfg.Merge:
		return fmt.Errorf("window_size is %d, and a token covers %d pixels", cfg.Window, cfg.PatchSize*cfg.Merge)
	}
	return nil
}
