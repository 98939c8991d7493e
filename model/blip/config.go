package blip

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/model/blipvit"
)

// Config is the config.json of BLIP. What a file leaves out has the reference's default.
type Config struct {
	Text   TextConfig
	Vision blipvit.Config
	Joint  int // width of the space in which pictures and texts are compared
}

// TextConfig is the text_config.
type TextConfig struct {
	bert.Config
	StartID int32 `json:"bos_token_id"` // what answers and captions begin with
	EndID   int32 `json:"sep_token_id"`
}

// ParseConfig reads a config.json over the defaults and checks it.
func ParseConfig(data []byte) (Config, error) {
	cfg, err := parse(data)
	if err != nil {
		return cfg, fmt.Errorf("blip: config: %w", err)
	}
	return cfg, nil
}

func parse(data []byte) (Config, error) {
	cfg := Config{Text: TextConfig{
		Config: bert.Config{
			VocabSize: 30524, HiddenSize: 768, NumHiddenLayers: 12, NumHeads: 8, IntermediateSize: 3072, HiddenAct: "gelu",
			LayerNormEps: 1e-12, MaxPositions: 512,
		},
		StartID: 30522, EndID: 102,
	}}
	file := struct {
		Text   json.RawMessage `json:"text_config"`
		Vision json.RawMessage `json:"vision_config"`
		Joint  int             `json:"image_text_hidden_size"`
	}{Text: []byte(`{}`), Vision: []byte(`{}`), Joint: 256}
	if err := json.Unmarshal(data, &file); err != nil {
		return cfg, err
	}
	var err error
	if cfg.Vision, err = blipvit.ParseConfig(file.Vision, blipvit.DefaultBLIP()); err != nil {
		return cfg, fmt.Errorf("vision_config: %w", err)
	}
	err = json.Unmarshal(file.Text, &cfg.Text)
	cfg.Text.EncoderWidth = cfg.Vision.HiddenSize // as in the reference, whatever the file says
	if err == nil {
		err = cfg.Text.Check()
	}
	if err != nil {
		return cfg, fmt.Errorf("text_config: %w", err)
	}
	for name, id := range map[string]int32{"bos_token_id": cfg.Text.StartID, "sep_token_id": cfg.Text.EndID} {
		if id < 0 || int(id) >= cfg.Text.VocabSize {
			return cfg, fmt.Errorf("text_config: %s is %d and vocab_size %d", name, id, cfg.Text.VocabSize)
		}
	}
	if cfg.Joint = file.Joint; cfg.Joint < 1 || cfg.Joint > 1<<20 {
		return cfg, fmt.Errorf("image_text_hidden_size is %d", cfg.Joint)
	}
	return cfg, nil
}
