package llava

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

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
	VideoTokenID  int32       // 0: the model takes no videos
	Tiles         *TileConfig // nil: the whole picture is one view

	newTower func(vit.Output) (vit.Tower, error)
}

// TileConfig is how the tiles of a picture enter the language model.
type TileConfig struct {
	Pinpoints [][]int // heights and widths that pictures are fitted to, in pixels
	Most      int     // features of more tiles than these are pooled; 0: never
}

type configFile struct {
	Vision    json.RawMessage `json:"vision_config"`
	Text      json.RawMessage `json:"text_config"`
	Layer     json.RawMessage `json:"vision_feature_layer"`
	Strategy  string          `json:"vision_feature_select_strategy"`
	Act       string          `json:"projector_hidden_act"`
	Type      string          `json:"mm_projector_type"` // the original repository's field
	Bias      bool            `json:"multimodal_projector_bias"`
	TokenID   *int32          `json:"image_token_id"` // the newer name of image_token_index
	TokenIdx  int32           `json:"image_token_index"`
	VideoID   *int32          `json:"video_token_id"` // the same of video_token_index
	VideoIdx  int32           `json:"video_token_index"`
	Pinpoints [][]int         `json:"image_grid_pinpoints"`
	Aspect    string          `json:"vision_aspect_ratio"`

	vision, text  string // model types of the parts where they do not say it
	tiled, pooled bool
}

// ParseConfig reads and checks the config.json of a LlavaForConditionalGeneration.
func ParseConfig(data []byte) (Config, error) { return parse(data, llava()) }

// ParseNext reads and checks that of a LlavaNextForConditionalGeneration.
func ParseNext(data []byte) (Config, error) {
	f := llava()
	f.tiled = true
	f.Pinpoints = [][]int{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}}
	return parse(data, f)
}

// ParseOneVision reads and checks that of a LlavaOnevisionForConditionalGeneration.
func ParseOneVision(data []byte) (Config, error) {
	f := llava()
	f.vision, f.text, f.tiled, f.pooled = "siglip_vision_model", "qwen2", true, true
	f.Layer, f.Strategy, f.TokenIdx, f.VideoIdx, f.Aspect = json.RawMessage("-1"), "full", 151646, 151647, "anyres_max_9"
	for h := 384; h <= 6*384; h += 384 {
		for w := 384; w <= 6*384; w += 384 {
			f.Pinpoints = append(f.Pinpoints, []int{h, w})
		}
	}
	return parse(data, f)
}

// llava are the defaults of LLaVA.
func llava() configFile {
	return configFile{
		Layer: json.RawMessage("-2"), Strategy: "default", Act: "gelu", Type: "mlp2x_gelu", Bias: true, TokenIdx: 32000,
		vision: "clip_vision_model", text: "llama",
	}
}

func parse(data []byte, f configFile) (Config, error) {
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
	if err := f.parts(&cfg); err != nil {
		return cfg, err
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
	if f.pooled { // LLaVA-OneVision
		cfg.VideoTokenID = f.VideoIdx
		if f.VideoID != nil {
			cfg.VideoTokenID = *f.VideoID
		}
	}
	if f.tiled {
		cfg.Tiles, err = f.tiles(cfg.Vision.ImageSize)
	}
	return cfg, err
}

// tiles reads how the features of tiles are joined.
func (f *configFile) tiles(side int) (*TileConfig, error) {
	if len(f.Pinpoints) < 1 || len(f.Pinpoints) > 1<<10 {
		return nil, fmt.Errorf("image_grid_pinpoints has %d sizes", len(f.Pinpoints))
	}
	for _, p := range f.Pinpoints {
		if len(p) != 2 || min(p[0], p[1]) < side || max(p[0], p[1]) > 1<<14 || p[0]%side != 0 || p[1]%side != 0 {
			return nil, fmt.Errorf("image_grid_pinpoints: %v is no height and width in whole tiles of %d pixels", p, side)
		}
	}
	t := &TileConfig{Pinpoints: f.Pinpoints}
	if !f.pooled {
		return t, nil
	}
	most, ok := strings.CutPrefix(f.Aspect, "anyres_max_")
	n, err := strconv.Atoi(most)
	if !ok || err != nil || n < 1 || n > 1<<10 {
		return nil, fmt.Errorf("vision_aspect_ratio %q, want anyres_max_9 or another number", f.Aspect)
	}
	t.Most = n
	return t, nil
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
