package siglip

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/model/vit"
)

// Config is the config.json of a SiglipVisionModel, or the vision_config of a
// model that contains one. What a file leaves out has the reference's default.
type Config struct {
	vit.Config
	UseHead bool `json:"vision_use_head"` // whether the checkpoint has the pooling head
}

// ParseConfig reads and checks a config.
func ParseConfig(data []byte) (Config, error) {
	cfg := defaultVision()
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return cfg, fmt.Errorf("siglip: config: %w", err)
	}
	return cfg, nil
}

// blocks are those of SigLIP base, the reference's default.
func blocks() vit.Config {
	return vit.Config{HiddenSize: 768, IntermediateSize: 3072, NumHiddenLayers: 12, NumHeads: 12, HiddenAct: "gelu_pytorch_tanh", LayerNormEps: 1e-6}
}

func defaultVision() Config {
	cfg := Config{Config: blocks(), UseHead: true}
	cfg.ImageSize, cfg.PatchSize, cfg.NumChannels = 224, 16, 3
	return cfg
}

// TextConfig is the text_config of a SiglipModel.
type TextConfig struct {
	vit.TextConfig
	ProjectionSize int `json:"projection_size"` // width of a text's embedding; 0: hidden_size
}

// DualConfig is the config.json of a SiglipModel.
type DualConfig struct {
	Text   TextConfig `json:"text_config"`
	Vision Config     `json:"vision_config"`
}

// ParseDual reads and checks the config of both towers.
func ParseDual(data []byte) (DualConfig, error) {
	cfg := DualConfig{Vision: defaultVision(), Text: TextConfig{TextConfig: vit.TextConfig{Config: blocks(), VocabSize: 32000, MaxPositions: 64}}}
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.check()
	}
	if err != nil {
		return cfg, fmt.Errorf("siglip: config: %w", err)
	}
	return cfg, nil
}

func (c *DualConfig) check() error {
	if err := c.Vision.Check(); err != nil {
		return fmt.Errorf("vision_config: %w", err)
	}
	if err := c.Text.Check(); err != nil {
		return fmt.Errorf("text_config: %w", err)
	}
	if !c.Vision.UseHead {
		return errors.New("vision_config: vision_use_head is false, and only the head makes a vector of a picture")
	}
	if c.Text.ProjectionSize == 0 {
		c.Text.ProjectionSize = c.Text.HiddenSize
	}
	if c.Text.ProjectionSize != c.Vision.HiddenSize {
		return fmt.Errorf("text_config: projection_size is %d, and pictures have %d values", c.Text.ProjectionSize, c.Vision.HiddenSize)
	}
	return nil
}
