package qwen2vl

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/qwenvit"
)

// Config is the config.json of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL checkpoint. What a file
// leaves out has the reference's default.
type Config struct {
	Vision       qwenvit.Config
	Text         llama.Config
	ImageTokenID int32
	VideoTokenID int32

	StartTokenID, EndTokenID int32 // around a picture's and a video's
}

// Parse2 reads and checks the config of a Qwen2VLForConditionalGeneration.
func Parse2(data []byte) (Config, error) { return parse(data, qwenvit.Parse2, parseText2) }

// Parse25 reads and checks the config of a Qwen2_5_VLForConditionalGeneration.
func Parse25(data []byte) (Config, error) { return parse(data, qwenvit.Parse25, parseText2) }

// Parse3 reads and checks the config of a Qwen3VLForConditionalGeneration.
func Parse3(data []byte) (Config, error) {
	cfg, err := parse(data, qwenvit.Parse3, func(text []byte) (llama.Config, error) { return parseText3(data, text) })
	if most := cfg.Text.NumHiddenLayers; err == nil && len(cfg.Vision.Deep) > most {
		return cfg, fmt.Errorf("qwen2vl: config: deepstack_visual_indexes %v, and the language model has %d layers", cfg.Vision.Deep, most)
	}
	return cfg, err
}

func parse(data []byte, vision func([]byte) (qwenvit.Config, error), text func([]byte) (llama.Config, error)) (Config, error) {
	f := struct {
		Vision       json.RawMessage `json:"vision_config"`
		Text         json.RawMessage `json:"text_config"` // where newer files keep what was beside it
		ImageTokenID int32           `json:"image_token_id"`
		VideoTokenID int32           `json:"video_token_id"`
		StartTokenID int32           `json:"vision_start_token_id"`
		EndTokenID   int32           `json:"vision_end_token_id"`
	}{Vision: json.RawMessage("{}"), ImageTokenID: 151655, VideoTokenID: 151656, StartTokenID: 151652, EndTokenID: 151653}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("qwen2vl: config: %w", err)
	}
	if f.Text == nil {
		f.Text = data
	}
	cfg := Config{ImageTokenID: f.ImageTokenID, VideoTokenID: f.VideoTokenID, StartTokenID: f.StartTokenID, EndTokenID: f.EndTokenID}
	var err error
	if cfg.Text, err = text(f.Text); err != nil {
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

// parseText2 reads the language model's part over what the reference assumes
// otherwise than for Qwen2: the 72B model.
func parseText2(text []byte) (llama.Config, error) {
	all, err := over(map[string]any{
		"vocab_size": 152064, "hidden_size": 8192, "intermediate_size": 29568, "num_hidden_layers": 80, "num_attention_heads": 64,
		"num_key_value_heads": 8, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "max_window_layers": 80,
	}, text)
	if err != nil {
		return llama.Config{}, err
	}
	return llama.ParseQwen2(all)
}

// over is an object with defaults for what it leaves out.
func over(defaults map[string]any, object []byte) ([]byte, error) {
	var given map[string]any
	if err := json.Unmarshal(object, &given); err != nil {
		return nil, err
	}
	maps.Copy(defaults, given)
	return json.Marshal(defaults)
}

// parseText3 reads the language model's part of Qwen3-VL. Whether the head is the
// embedding table is for the whole config to say, if it does. The pairs of the axes
// always take turns.
func parseText3(whole, text []byte) (llama.Config, error) {
	var f struct {
		Tied       *bool          `json:"tie_word_embeddings"`
		Scaling    map[string]any `json:"rope_scaling"`
		Parameters map[string]any `json:"rope_parameters"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return llama.Config{}, err
	}
	if err := json.Unmarshal(whole, &f); err != nil { // over it
		return llama.Config{}, err
	}
	set := map[string]any{"mrope_section": []int{24, 20, 20}}
	maps.Copy(set, f.Scaling)
	maps.Copy(set, f.Parameters)
	set["mrope_interleaved"] = true
	all, err := over(map[string]any{"max_position_embeddings": 128000, "rope_theta": 5e5}, text)
	if err != nil {
		return llama.Config{}, err
	}
	var object map[string]any
	if err := json.Unmarshal(all, &object); err != nil {
		return llama.Config{}, err
	}
	object["rope_scaling"], object["rope_parameters"] = set, nil
	if theta, ok := set["rope_theta"]; ok {
		object["rope_theta"] = theta
	}
	if f.Tied != nil {
		object["tie_word_embeddings"] = *f.Tied
	}
	if all, err = json.Marshal(object); err != nil {
		return llama.Config{}, err
	}
	return llama.ParseQwen3(all)
}
