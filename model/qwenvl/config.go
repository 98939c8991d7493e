package qwenvl

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/model/bigg"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/vit"
)

// Config is the config.json of Qwen-VL or Qwen-VL-Chat.
type Config struct {
	Vision  vit.Config
	Text    llama.Config
	Queries int // tokens of a picture, a square number

	// ImageStart is the token before a picture; the two behind it are those that
	// follow a picture and fill its place.
	ImageStart int32
}

// ImageEnd is the token behind a picture.
func (c *Config) ImageEnd() int32 { return c.ImageStart + 1 }

// ImagePad is the token that fills a picture's place.
func (c *Config) ImagePad() int32 { return c.ImageStart + 2 }

// ParseConfig reads and checks the config of a QWenLMHeadModel with pictures.
func ParseConfig(data []byte) (Config, error) {
	cfg, err := parse(data)
	if err != nil {
		return cfg, fmt.Errorf("qwenvl: config: %w", err)
	}
	return cfg, nil
}

func parse(data []byte) (cfg Config, err error) {
	var f struct {
		Visual json.RawMessage `json:"visual"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return cfg, err
	}
	if f.Visual == nil {
		return cfg, fmt.Errorf("visual is missing: the first Qwen without pictures is not supported")
	}
	if cfg.Text, err = llama.ParseQwen(data); err != nil {
		return cfg, err
	}
	if cfg.Vision, err = bigg.Parse(f.Visual); err != nil {
		return cfg, fmt.Errorf("visual: %w", err)
	}
	v := struct {
		Queries int   `json:"n_queries"`
		Out     int   `json:"output_dim"`
		Start   int32 `json:"image_start_id"`
	}{256, 512, -1}
	if err := json.Unmarshal(f.Visual, &v); err != nil {
		return cfg, fmt.Errorf("visual: %w", err)
	}
	cfg.Queries, cfg.ImageStart = v.Queries, v.Start
	side := int(math.Sqrt(float64(max(v.Queries, 0))))
	switch {
	case v.Queries < 1 || v.Queries > 1<<16 || side*side != v.Queries:
		return cfg, fmt.Errorf("visual: n_queries is %d, want a square number", v.Queries)
	case v.Out != cfg.Text.HiddenSize:
		return cfg, fmt.Errorf("visual: output_dim is %d, and the language model has hidden_size %d", v.Out, cfg.Text.HiddenSize)
	case v.Out%128 != 0:
		return cfg, fmt.Errorf("visual: output_dim is %d, want a multiple of 128", v.Out)
	case v.Start < 0 || int(v.Start)+2 >= cfg.Text.VocabSize:
		return cfg, fmt.Errorf("visual: image_start_id is %d, and the vocabulary has %d tokens", v.Start, cfg.Text.VocabSize)
	}
	return cfg, nil
}
