package llava

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/ops"
)

// Config is the config.json of a LLaVA checkpoint. What a file leaves out has
// the reference's default.
type Config struct {
	Vision        vit.Config
	Text          llama.Config
	FeatureLayers []int  // hidden states of the tower that are its features, negative from the end
	DropClass     bool   // whether the class token's feature is left out
	ProjectorType string // "mlp2x_gelu" or "linear"
	ProjectorAct  ops.Act
	ProjectorBias bool
	ImageTokenID  int32
}

type configFile struct {
	Vision   json.RawMessage `json:"vision_config"`
	Text     json.RawMessage `json:"text_config"`
	Layer    json.RawMessage `json:"vision_feature_layer"`
	Strategy string          `json:"vision_feature_select_strategy"`
	Act      string          `json:"projector_hidden_act"`
	Type     string          `json:"mm_projector_type"` // the original repository's field
	Bias     bool            `json:"multimodal_projector_bias"`
	TokenID  *int32          `json:"image_token_id"` // the newer name of image_token_index
	TokenIdx int32           `json:"image_token_index"`
}

// ParseConfig reads and checks a config.json.
func ParseConfig(data []byte) (Config, error) {
	f := configFile{Layer: json.RawMessage("-2"), Strategy: "default", Act: "gelu", Type: "mlp2x_gelu", Bias: true, TokenIdx: 32000}
	if err := json.Unmarshal(data, &f); err != nil {
		return Config{}, fmt.Errorf("llava: config: %w", err)
	}
	cfg, err := f.resolve()
	if err != nil {
		return cfg, fmt.Errorf("llava: config: %w", err)
	}
	return cfg, nil
}

func (f *configFile) resolve() (cfg Config, err error) {
	if err := wantType(f.Vision, "vision_config", "clip_vision_model"); err != nil {
		return cfg, err
	}
	if err := wantType(f.Text, "text_config", "llama"); err != nil {
		return cfg, err
	}
	if cfg.Vision, err = clip.ParseVision(f.Vision); err != nil {
		return cfg, fmt.Errorf("vision_config: %w", err)
	}
	if cfg.Text, err = llama.ParseConfig(f.Text); err != nil {
		return cfg, fmt.Errorf("text_config: %w", err)
	}
	if cfg.FeatureLayers, err = parseLayers(f.Layer); err != nil {
		return cfg, err
	}
	switch f.Strategy {
	case "default":
		cfg.DropClass = true
	case "full":
	default:
		return cfg, fmt.Errorf("vision_feature_select_strategy %q, want default or full", f.Strategy)
	}
	if cfg.ProjectorAct, err = ops.ParseAct(f.Act); err != nil {
		return cfg, fmt.Errorf("projector_hidden_act: %w", err)
	}
	if f.Type != "mlp2x_gelu" && f.Type != "linear" {
		return cfg, fmt.Errorf("mm_projector_type %q, want mlp2x_gelu or linear", f.Type)
	}
	cfg.ProjectorType, cfg.ProjectorBias, cfg.ImageTokenID = f.Type, f.Bias, f.TokenIdx
	if f.TokenID != nil {
		cfg.ImageTokenID = *f.TokenID
	}
	return cfg, nil
}

// wantType checks the model_type of a part. A part without one is what the reference assumes.
func wantType(part json.RawMessage, name, want string) error {
	if part == nil {
		return fmt.Errorf("%s is missing", name)
	}
	var t struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(part, &t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if t.ModelType != "" && t.ModelType != want {
		return fmt.Errorf("%s: model_type %q, known here: %s", name, t.ModelType, want)
	}
	return nil
}

// parseLayers reads a number or a list of numbers.
func parseLayers(raw json.RawMessage) ([]int, error) {
	var one int
	if json.Unmarshal(raw, &one) == nil {
		return []int{one}, nil
	}
	var list []int
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 || len(list) > 64 {
		return nil, fmt.Errorf("vision_feature_layer %s, want a number or a list of numbers", raw)
	}
	return list, nil
}
