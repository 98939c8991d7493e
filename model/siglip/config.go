package siglip

import (
	"encoding/json"
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
	cfg := Config{
		Config: vit.Config{
			HiddenSize: 768, IntermediateSize: 3072, NumHiddenLayers: 12, NumHeads: 12, HiddenAct: "gelu_pytorch_tanh",
			LayerNormEps: 1e-6, ImageSize: 224, PatchSize: 16, NumChannels: 3,
		},
		UseHead: true,
	}
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return cfg, fmt.Errorf("siglip: config: %w", err)
	}
	return cfg, nil
}
