package qwen2vl

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/qwenvit"
)

// Config is the config.json of a Qwen2-VL or Qwen2.5-VL checkpoint. What a file
// leaves out has the reference's default.
type Config struct {
	Vision       qwenvit.Config
	Text         llama.Config
	ImageTokenID int32
}

// Parse2 reads and checks the config of a Qwen2VLForConditionalGeneration.
func Parse2(data []byte) (Config, error) { return parse(data, qwenvit.Parse2) }

// Parse25 reads and checks the config of a Qwen2_5_VLForConditionalGeneration.
func Parse25(data []byte) (Config, error) { return parse(data, qwenvit.Parse25) }

func parse(data []byte, vision func([]byte) (qwenvit.Config, error)) (Config, error) {
	f := struct {
		Vision       json.RawMessage `json:"vision_config"`
		Text         json.RawMessage `json:"text_config"` // where newer files keep what was beside it
		ImageTokenID int32           `json:"image_token_id"`
	}{Vision: json.RawMessage("{}"), ImageTokenID: 151655}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("qwen2vl: config: %w", err)
	}
	if f.Text == nil {
		f.Text = data
	}
	cfg := Config{ImageTokenID: f.ImageTokenID}
	text, err := withDefaults(f.Text)
	if err == nil {
		cfg.Text, err = llama.ParseQwen2(text)
	}
	if err != nil {
		return cfg, fmt.Errorf("qwen2vl: config: %w", err)
	}
	if cfg.Vision, err = vision(f.Vision); err != nil {
		return cfg, fmt.Errorf("qwen2vl: config: vision_config: %w", err)
	}
	if cfg.Vision.Out != cfg.Text.HiddenSize {
		return cfg, fmt.Errorf("qwen2vl: config: vision_config makes embeddings of width %d, and the language model has %d", cfg.Vision.Out, cfg.Text.HiddenSize)
	}
	return cfg, nil
}

// withDefaults adds what the reference assumes otherwise than for Qwen2: the 72B model.
func withDefaults(text []byte) ([]byte, error) {
	all := map[string]any{
		"vocab_size": 152064, "hidden_size": 8192, "intermediate_size": 29568, "num_hidden_layers": 80, "num_attention_heads": 64,
		"num_key_value_heads": 8, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "max_window_layers": 80,
	}
	var given map[string]any
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, err
	}
	maps.Copy(all, given)
	return json.Marshal(all)
}
