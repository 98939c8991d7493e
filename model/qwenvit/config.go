package qwenvit

import (
	"encoding/json"
	"fmt"
	"math"

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

	Base float64 // of the rotary positions

	Gated  bool  // Qwen2.5-VL: RMSNorm, and a gated feed-forward part
	Window int   // pixels on a side of the windows that most blocks attend in; 0: none
	Full   []int // blocks that attend to the whole picture

	PerSecond float64 // Qwen2.5-VL: positions in time that a second of a video takes; 0: one for each view

	// Of Qwen3-VL.
	Positions int   // side of a square table of learned positions; 0: none
	Deep      []int // blocks whose output enters the language model too (DeepStack)
}

// Third reports whether the tower is Qwen3-VL's.
func (cfg Config) Third() bool { return cfg.Positions > 0 }

// common is what both kinds of vision_config say alike.
type common struct {
	Depth    int    `json:"depth"`
	Heads    int    `json:"num_heads"`
	Act      string `json:"hidden_act"`
	Channels int    `json:"in_channels"`
	Patch    int    `json:"patch_size"`
	Merge    int    `json:"spatial_merge_size"`
	Frames   int    `json:"temporal_patch_size"`
	Rope     struct {
		Theta float64 `json:"rope_theta"`
	} `json:"rope_parameters"` // of newer files
}

// Parse2 reads the vision_config of a Qwen2VLForConditionalGeneration over the reference's defaults.
func Parse2(data []byte) (Config, error) {
	f := struct {
		common
		Width int     `json:"embed_dim"`
		Out   int     `json:"hidden_size"`
		Ratio float64 `json:"mlp_ratio"`
	}{newCommon(32, 16, "quick_gelu", 3, 14, 2, 2), 1280, 3584, 4}
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
		Width       int     `json:"hidden_size"`
		Out         int     `json:"out_hidden_size"`
		FeedForward int     `json:"intermediate_size"`
		Window      int     `json:"window_size"`
		Full        []int   `json:"fullatt_block_indexes"`
		PerSecond   float64 `json:"tokens_per_second"`
	}{newCommon(32, 16, "silu", 3, 14, 2, 2), 3584, 3584, 3420, 112, []int{7, 15, 23, 31}, 4}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("qwenvit: config: %w", err)
	}
	if !(f.PerSecond > 0 && f.PerSecond <= maxWidth) {
		return Config{}, fmt.Errorf("qwenvit: config: tokens_per_second is %v", f.PerSecond)
	}
	return f.finish(Config{Width: f.Width, Out: f.Out, FeedForward: f.FeedForward, Gated: true, Window: f.Window, Full: f.Full, PerSecond: f.PerSecond})
}

// Parse3 reads the vision_config of a Qwen3VLForConditionalGeneration over the reference's defaults.
func Parse3(data []byte) (Config, error) {
	f := struct {
		common
		Width       int   `json:"hidden_size"`
		Out         int   `json:"out_hidden_size"`
		FeedForward int   `json:"intermediate_size"`
		Positions   int   `json:"num_position_embeddings"`
		Deep        []int `json:"deepstack_visual_indexes"`
	}{newCommon(27, 16, "gelu_pytorch_tanh", 3, 16, 2, 2), 1152, 3584, 4304, 2304, []int{8, 16, 24}}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("qwenvit: config: %w", err)
	}
	side := int(math.Sqrt(float64(max(f.Positions, 0))))
	if f.Positions < 1 || f.Positions > maxWidth || side*side != f.Positions {
		return Config{}, fmt.Errorf("qwenvit: config: num_position_embeddings is %d, want a square number", f.Positions)
	}
	cfg, err := f.finish(Config{Width: f.Width, Out: f.Out, FeedForward: f.FeedForward, Positions: side, Deep: f.Deep})
	for i, block := range cfg.Deep {
		if err == nil && (block < 0 || block >= cfg.Depth || i > 0 && block <= cfg.Deep[i-1]) {
			err = fmt.Errorf("qwenvit: config: deepstack_visual_indexes %v, want blocks in ascending order, of %d", cfg.Deep, cfg.Depth)
		}
	}
	return cfg, err
}

const theta = 10000 // of the rotary positions, where a file does not say

func newCommon(depth, heads int, act string, channels, patch, merge, frames int) common {
	c := common{Depth: depth, Heads: heads, Act: act, Channels: channels, Patch: patch, Merge: merge, Frames: frames}
	c.Rope.Theta = theta
	return c
}

func (f common) finish(cfg Config) (Config, error) {
	cfg.Depth, cfg.Heads, cfg.PatchSize, cfg.Merge, cfg.Frames = f.Depth, f.Heads, f.Patch, f.Merge, f.Frames
	cfg.Base = f.Rope.Theta
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
	case !(cfg.Base > 0) || math.IsInf(cfg.Base, 0):
		return fmt.Errorf("rope_theta is %v", cfg.Base)
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
