package vit

import (
	"fmt"

	"github.com/fovea-ml/fovea/ops"
)

// Config is what config.json says of a tower, in the names that CLIP, SigLIP
// and DINOv2 have in common. Defaults are the family's.
type Config struct {
	HiddenSize       int     `json:"hidden_size"`
	IntermediateSize int     `json:"intermediate_size"`
	NumHiddenLayers  int     `json:"num_hidden_layers"`
	NumHeads         int     `json:"num_attention_heads"`
	HiddenAct        string  `json:"hidden_act"`
	LayerNormEps     float32 `json:"layer_norm_eps"`

	ImageSize   int `json:"image_size"` // of a square view, in pixels
	PatchSize   int `json:"patch_size"`
	NumChannels int `json:"num_channels"`

	act ops.Act
}

// Grid is the number of patches on each side of a view; what is left over at
// the right and bottom is not seen.
func (c *Config) Grid() int { return c.ImageSize / c.PatchSize }

// Check refuses what cannot be a tower over pictures, and looks the activation up.
func (c *Config) Check() error {
	if c.NumChannels != 3 || c.PatchSize < 1 || c.ImageSize < c.PatchSize || c.ImageSize > 1<<14 {
		return fmt.Errorf("image_size %d, patch_size %d, num_channels %d", c.ImageSize, c.PatchSize, c.NumChannels)
	}
	return c.CheckBlocks()
}

// CheckBlocks is Check for blocks that see no pictures.
func (c *Config) CheckBlocks() error {
	for _, f := range []struct {
		name       string
		is, atMost int
	}{
		{"hidden_size", c.HiddenSize, 1 << 20},
		{"intermediate_size", c.IntermediateSize, 1 << 20},
		{"num_hidden_layers", c.NumHiddenLayers, 1 << 10},
		{"num_attention_heads", c.NumHeads, 1 << 20},
	} {
		if f.is < 1 || f.is > f.atMost {
			return fmt.Errorf("%s is %d", f.name, f.is)
		}
	}
	if c.HiddenSize%c.NumHeads != 0 {
		return fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", c.HiddenSize, c.NumHeads)
	}
	act, err := ops.ParseAct(c.HiddenAct)
	if err != nil {
		return fmt.Errorf("hidden_act: %w", err)
	}
	c.act = act
	return nil
}
