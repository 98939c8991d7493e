package sphinx

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/projector"
	"github.com/fovea-ml/fovea/ops"
)

// Config is the config.json of a model of this family.
type Config struct {
	Vision     json.RawMessage `json:"vision"`         // of package ensemble
	Adapter    Adapter         `json:"adapter"`        // of each group of encoders
	ViewTokens bool            `json:"view_tokens"`    // a learned row stands before each view, and one behind it
	ImageToken *int32          `json:"image_token_id"` // stands for a picture in the text; nil: the picture follows the first token
	Text       llama.Config    `json:"-"`
}

// Adapter says how features become tokens.
type Adapter struct {
	Type string `json:"type"` // linear, or mlp2x_gelu
	Act  string `json:"hidden_act"`
	Norm bool   `json:"norm"` // tokens are normalised

	act ops.Act
}

// ParseConfig reads and checks a config.json.
func ParseConfig(data []byte) (Config, error) {
	cfg := Config{Adapter: Adapter{Type: "linear", Act: "gelu"}}
	f := struct {
		*Config
		Text json.RawMessage `json:"text_config"`
	}{Config: &cfg}
	err := json.Unmarshal(data, &f)
	if err == nil {
		err = cfg.resolve(f.Text)
	}
	if err != nil {
		return cfg, fmt.Errorf("sphinx: config: %w", err)
	}
	return cfg, nil
}

func (cfg *Config) resolve(text json.RawMessage) (err error) {
	if cfg.Vision == nil || text == nil {
		return fmt.Errorf("vision is there: %v, text_config: %v; want both", cfg.Vision != nil, text != nil)
	}
	if t := cfg.Adapter.Type; t != "linear" && t != "mlp2x_gelu" {
		return fmt.Errorf("adapter: type %q, want linear or mlp2x_gelu", t)
	}
	if cfg.Adapter.act, err = ops.ParseAct(cfg.Adapter.Act); err != nil {
		return fmt.Errorf("adapter: hidden_act: %w", err)
	}
	if cfg.Text, err = parseText(text); err != nil {
		return fmt.Errorf("text_config: %w", err)
	}
	return nil
}

// parseText reads the config of a language model; rope_interleaved says that its
// queries and keys are ordered as Meta's.
func parseText(data []byte) (llama.Config, error) {
	var f struct {
		ModelType   string `json:"model_type"`
		Interleaved bool   `json:"rope_interleaved"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return llama.Config{}, err
	}
	parse := map[string]func([]byte) (llama.Config, error){
		"": llama.ParseConfig, "llama": llama.ParseConfig, "mistral": llama.ParseMistral, "qwen2": llama.ParseQwen2,
	}[f.ModelType]
	if parse == nil {
		return llama.Config{}, fmt.Errorf("model_type %q, known here: llama, mistral, qwen2", f.ModelType)
	}
	cfg, err := parse(data)
	cfg.Interleaved = f.Interleaved
	return cfg, err
}

// declare declares an adapter from features of width in to tokens of width out.
func (a *Adapter) declare(in, out int) model.Adapter {
	var p model.Adapter = projector.NewLinear(in, out, true)
	if a.Type == "mlp2x_gelu" {
		p = projector.NewMLP(in, out, true, a.act)
	}
	if a.Norm {
		return projector.NewNormed(p, out)
	}
	return p
}
