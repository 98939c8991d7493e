package llava

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/siglip"
	"github.com/fovea-ml/fovea/model/vit"
)

// parts reads the configs of the tower and of the language model.
func (f *configFile) parts(cfg *Config) error {
	vision, err := modelType(f.Vision, "vision_config", f.vision, "clip_vision_model", "siglip_vision_model")
	if err != nil {
		return err
	}
	text, err := modelType(f.Text, "text_config", f.text, "llama", "mistral", "qwen2")
	if err != nil {
		return err
	}
	if err := cfg.tower(vision, f.Vision); err != nil {
		return fmt.Errorf("vision_config: %w", err)
	}
	parse := llama.ParseConfig
	switch text {
	case "mistral":
		parse = llama.ParseMistral
	case "qwen2":
		parse = llama.ParseQwen2
	}
	if cfg.Text, err = parse(f.Text); err != nil {
		return fmt.Errorf("text_config: %w", err)
	}
	return nil
}

// tower reads the config of an encoder, and keeps how to declare it.
func (cfg *Config) tower(kind string, data []byte) error {
	if kind == "siglip_vision_model" {
		c, err := siglip.ParseConfig(data)
		cfg.Vision = c.Config
		cfg.newTower = func(out vit.Output) (vit.Tower, error) { return siglip.NewVision(c, out) }
		return err
	}
	c, err := clip.ParseVision(data)
	cfg.Vision = c
	cfg.newTower = func(out vit.Output) (vit.Tower, error) { return clip.NewVision(c, out) }
	return err
}

// modelType is that of a part, which must be a known one. A part that does not say is what the reference assumes.
func modelType(part json.RawMessage, name, missing string, known ...string) (string, error) {
	if part == nil {
		return "", fmt.Errorf("%s is missing", name)
	}
	var t struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(part, &t); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if t.ModelType == "" {
		return missing, nil
	}
	if !slices.Contains(known, t.ModelType) {
		return "", fmt.Errorf("%s: model_type %q, known here: %s", name, t.ModelType, strings.Join(known, ", "))
	}
	return t.ModelType, nil
}
