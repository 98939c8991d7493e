package clip

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/ops"
)

// TowerConfig is the vision_config or text_config of a CLIP checkpoint. What a
// file leaves out has the reference's default.
type TowerConfig struct {
	HiddenSize       int     `json:"hidden_size"`
	IntermediateSize int     `json:"intermediate_size"`
	NumHiddenLayers  int     `json:"num_hidden_layers"`
	NumHeads         int     `json:"num_attention_heads"`
	HiddenAct        string  `json:"hidden_act"`
	LayerNormEps     float32 `json:"layer_norm_eps"`

	ImageSize   int `json:"image_size"` // vision only
	PatchSize   int `json:"patch_size"`
	NumChannels int `json:"num_channels"`

	VocabSize    int `json:"vocab_size"` // text only
	MaxPositions int `json:"max_position_embeddings"`
	EOSTokenID   int `json:"eos_token_id"`

	act ops.Act
}

// Config is the config.json of a CLIPModel.
type Config struct {
	Text          TowerConfig `json:"text_config"`
	Vision        TowerConfig `json:"vision_config"`
	ProjectionDim int         `json:"projection_dim"`
}

// DefaultVision is ViT-B/32, the reference's default.
func DefaultVision() TowerConfig {
	return TowerConfig{
		HiddenSize: 768, IntermediateSize: 3072, NumHiddenLayers: 12, NumHeads: 12, HiddenAct: "quick_gelu",
		LayerNormEps: 1e-5, ImageSize: 224, PatchSize: 32, NumChannels: 3,
	}
}

// DefaultText is the text tower beside ViT-B/32.
func DefaultText() TowerConfig {
	return TowerConfig{
		HiddenSize: 512, IntermediateSize: 2048, NumHiddenLayers: 12, NumHeads: 8, HiddenAct: "quick_gelu",
		LayerNormEps: 1e-5, VocabSize: 49408, MaxPositions: 77, EOSTokenID: 49407,
	}
}

// ParseVision reads the config of a vision tower, alone or as a vision_config.
func ParseVision(data []byte) (TowerConfig, error) {
	cfg := DefaultVision()
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.checkVision()
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
	if err := cfg.Vision.checkVision(); err != nil {
		return cfg, fmt.Errorf("clip: config: vision_config: %w", err)
	}
	if err := cfg.Text.checkText(); err != nil {
		return cfg, fmt.Errorf("clip: config: text_config: %w", err)
	}
	if cfg.ProjectionDim < 1 || cfg.ProjectionDim > 1<<16 {
		return cfg, fmt.Errorf("clip: config: projection_dim is %d", cfg.ProjectionDim)
	}
	return cfg, nil
}

// checkVision ignores the text tower's fields: released vision configs carry a vocab_size.
func (t *TowerConfig) checkVision() error {
	if t.NumChannels != 3 || t.PatchSize < 1 || t.ImageSize < t.PatchSize || t.ImageSize > 1<<14 {
		return fmt.Errorf("image_size %d, patch_size %d, num_channels %d", t.ImageSize, t.PatchSize, t.NumChannels)
	}
	return t.resolve()
}

func (t *TowerConfig) checkText() error {
	if t.MaxPositions < 1 || t.MaxPositions > 1<<20 || t.VocabSize < 1 || t.VocabSize > 1<<24 {
		return fmt.Errorf("vocab_size %d, max_position_embeddings %d", t.VocabSize, t.MaxPositions)
	}
	return t.resolve()
}

// resolve checks what both towers have and looks up the activation.
func (t *TowerConfig) resolve() error {
	for _, f := range []struct {
		name       string
		is, atMost int
	}{
		{"hidden_size", t.HiddenSize, 1 << 20},
		{"intermediate_size", t.IntermediateSize, 1 << 20},
		{"num_hidden_layers", t.NumHiddenLayers, 1 << 10},
		{"num_attention_heads", t.NumHeads, 1 << 20},
	} {
		if f.is < 1 || f.is > f.atMost {
			return fmt.Errorf("%s is %d", f.name, f.is)
		}
	}
	if t.HiddenSize%t.NumHeads != 0 {
		return fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", t.HiddenSize, t.NumHeads)
	}
	act, err := ops.ParseAct(t.HiddenAct)
	if err != nil {
		return fmt.Errorf("hidden_act: %w", err)
	}
	t.act = act
	return nil
}

// Grid is the number of patches on each side of a view; what is left over at
// the right and bottom is not seen.
func (t *TowerConfig) Grid() int { return t.ImageSize / t.PatchSize }
