package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Files of SPHINX's authors, and one that tells sizes which are in their code.
const (
	paramsFile = "params.json"
	towersFile = "towers.json"
)

// sphinxKind is one of SPHINX's models, by what its llama_type stands for.
type sphinxKind struct {
	side, grid int  // of the picture in pixels; parts on a side
	light      bool // no CLIP, no Q-Former
}

func sphinxKinds() map[string]sphinxKind {
	return map[string]sphinxKind{
		"llama_ens":        {224, 1, false}, // SPHINX
		"llama_ens5":       {448, 2, false}, // SPHINX-1k
		"llama_ens10":      {672, 3, false}, // SPHINX-2k
		"llama_ens_light":  {512, 1, true},  // SPHINX-Tiny
		"llama_ens5_light": {1024, 2, true}, // SPHINX-Tiny-1k
	}
}

func knownSPHINX() string { return strings.Join(slices.Sorted(maps.Keys(sphinxKinds())), ", ") }

// lastGroup is the number of the group of encoders whose channels are joined.
func (k sphinxKind) lastGroup() string {
	if k.light {
		return "0"
	}
	return "1"
}

// The sides of views in pixels.
const viewSide, convnextSide, lightSide = 224, 256, 512

// scaling is one step of what an encoder is shown.
type scaling struct {
	Size   int    `json:"size"`
	Filter string `json:"filter"`
	Half   bool   `json:"half"`
}

// shown are the steps to views of side pixels that most encoders see.
func (k sphinxKind) shown(side int) []scaling {
	if k.side == side && k.grid == 1 {
		return []scaling{}
	}
	return []scaling{{side, "bicubic", true}}
}

// convnext are the steps for ConvNeXt, which sees the nearest pixels of a view.
func (k sphinxKind) convnext() []scaling {
	switch {
	case !k.light:
		return append(k.shown(viewSide), scaling{convnextSide, "nearest", true})
	case k.grid == 1:
		return []scaling{{lightSide, "nearest", true}}
	}
	return k.shown(lightSide)
}

// towers are the sizes of the encoders.
type towers struct {
	CLIP struct {
		ImageSize int `json:"image_size"`
		Layers    int `json:"layers"`
		Width     int `json:"width"`
		HeadWidth int `json:"head_width"`
		PatchSize int `json:"patch_size"`

		// BatchFirst: the authors' code gave its rows, tokens first, to an open_clip that
		// wants views first. So it is today, if a file tells sizes; when the published
		// weights learned, it was not.
		BatchFirst bool `json:"batch_first"`
	} `json:"clip"`
	Dims   []int `json:"convnext_dims"`
	Depths []int `json:"convnext_depths"`
	DINOv2 struct {
		Width  int `json:"embed_dim"`
		Heads  int `json:"num_heads"`
		Layers int `json:"depth"`
	} `json:"dinov2"`
	QFormer json.RawMessage `json:"qformer"`
	EVA     json.RawMessage `json:"blip2_vision"`
	Queries int             `json:"num_query_tokens"`
}

// publishedTowers are OpenCLIP's ViT-L/14 and ConvNeXt-XXL, DINOv2's ViT-g/14 and
// the Q-Former of blip2-opt-2.7b.
func publishedTowers() (t towers) {
	t.CLIP.ImageSize, t.CLIP.Layers, t.CLIP.Width, t.CLIP.HeadWidth, t.CLIP.PatchSize = viewSide, 24, 1024, 64, 14
	t.Dims, t.Depths = []int{384, 768, 1536, 3072}, []int{3, 4, 30, 3}
	t.DINOv2.Width, t.DINOv2.Heads, t.DINOv2.Layers = 1536, 24, 40
	t.QFormer, t.EVA, t.Queries = json.RawMessage("{}"), json.RawMessage("{}"), 32
	return t
}

// metaParams is what Meta's params.json says of a Llama, and LLaMA2-Accessory's of its own.
type metaParams struct {
	Dim          int      `json:"dim"`
	Layers       int      `json:"n_layers"`
	Heads        int      `json:"n_heads"`
	KVHeads      *int     `json:"n_kv_heads"`
	Vocab        int      `json:"vocab_size"` // -1: as many as the tokenizer has
	MultipleOf   int      `json:"multiple_of"`
	FFNFactor    *float64 `json:"ffn_dim_multiplier"`
	NormEps      float64  `json:"norm_eps"`
	RopeTheta    float64  `json:"rope_theta"`
	RopeScaling  *float64 `json:"rope_scaling"` // positions are multiplied by it
	MaxPositions int      `json:"max_seq_len"`
}

// config is the config.json of the family that the checkpoint might have had.
func (s *sphinxFiles) config() ([]byte, error) {
	t := publishedTowers()
	if _, err := fs.Stat(s.FS, towersFile); err == nil {
		t.CLIP.BatchFirst = true
	}
	if err := s.read(&t, towersFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err := s.text()
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(map[string]any{
		"architectures": []string{"SphinxForConditionalGeneration"}, "model_type": "sphinx",
		"vision":      s.vision(&t),
		"adapter":     map[string]any{"type": "linear", "norm": true},
		"view_tokens": true,
		"text_config": text,
	}, "", "  ")
}

func (s *sphinxFiles) read(v any, name string) error {
	data, err := fs.ReadFile(s.FS, name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// text is the config of the language model.
func (s *sphinxFiles) text() (map[string]any, error) {
	p := metaParams{Dim: 4096, Layers: 32, Heads: 32, Vocab: -1, MultipleOf: 256, NormEps: 1e-5, RopeTheta: 10000, MaxPositions: 4096}
	file := "config.json"
	err := s.read(&p, file)
	if errors.Is(err, fs.ErrNotExist) {
		file = paramsFile
		err = s.read(&p, file)
	}
	if err != nil {
		return nil, err
	}
	if p.Vocab < 1 {
		tok, err := tokenizer.OpenFS(s.FS, ".")
		if err != nil {
			return nil, err
		}
		p.Vocab = tok.Size()
	}
	c, err := p.config()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func (p *metaParams) config() (map[string]any, error) {
	err := model.CheckSize("dim", p.Dim, 1<<20)
	if err == nil {
		err = model.CheckSize("multiple_of", p.MultipleOf, 1<<20)
	}
	if err == nil && p.RopeScaling != nil && !(*p.RopeScaling > 0) {
		err = fmt.Errorf("rope_scaling is %v", *p.RopeScaling)
	}
	if err == nil && p.FFNFactor != nil && !(*p.FFNFactor > 0 && *p.FFNFactor < 64) {
		err = fmt.Errorf("ffn_dim_multiplier is %v", *p.FFNFactor)
	}
	if err != nil {
		return nil, err
	}
	inner := 4 * p.Dim * 2 / 3
	if p.FFNFactor != nil {
		inner = int(*p.FFNFactor * float64(inner))
	}
	c := map[string]any{
		"model_type": "llama", "rope_interleaved": true, "hidden_act": "silu", "vocab_size": p.Vocab, "hidden_size": p.Dim,
		"intermediate_size": (inner + p.MultipleOf - 1) / p.MultipleOf * p.MultipleOf, "num_hidden_layers": p.Layers,
		"num_attention_heads": p.Heads, "rms_norm_eps": p.NormEps, "rope_theta": p.RopeTheta, "max_position_embeddings": p.MaxPositions,
	}
	if p.KVHeads != nil {
		c["num_key_value_heads"] = *p.KVHeads
	}
	if p.RopeScaling != nil && *p.RopeScaling != 1 {
		c["rope_scaling"] = map[string]any{"rope_type": "linear", "factor": 1 / *p.RopeScaling}
	}
	return c, nil
}

// vision is the ensemble.
func (s *sphinxFiles) vision(t *towers) map[string]any {
	k := s.kind
	joined := []any{k.convnextEntry(t), k.dinov2Entry(t)}
	vision := map[string]any{"image_size": k.side, "grid": k.grid, "join": "channels", "encoders": joined}
	if k.light {
		return vision
	}
	vision["join"] = "tokens"
	vision["encoders"] = []any{
		map[string]any{
			"model_type": "blip_2_qformer", "name": "qformer", "shown": k.shown(viewSide),
			"vision_config": t.EVA, "qformer_config": t.QFormer, "num_query_tokens": t.Queries,
		},
		map[string]any{"join": "channels", "encoders": append([]any{k.clipEntry(t)}, joined...)},
	}
	return vision
}

func (k sphinxKind) clipEntry(t *towers) map[string]any {
	return map[string]any{
		"model_type": "clip_vision_model", "name": "clip", "shown": k.shown(viewSide),
		"hidden_size": t.CLIP.Width, "intermediate_size": 4 * t.CLIP.Width, "num_hidden_layers": t.CLIP.Layers,
		"num_attention_heads": t.CLIP.Width / max(t.CLIP.HeadWidth, 1), "image_size": t.CLIP.ImageSize, "patch_size": t.CLIP.PatchSize,
		"attends_across_views": t.CLIP.BatchFirst,
		"hidden_act":           "gelu", "layer_norm_eps": 1e-5, // not the activation that OpenAI's weights learned with, but the authors' code has it
	}
}

func (k sphinxKind) convnextEntry(t *towers) map[string]any {
	return map[string]any{
		"model_type": "convnext", "name": "convnext", "shown": k.convnext(),
		"hidden_sizes": t.Dims, "depths": t.Depths, "layer_norm_eps": 1e-5, "block_norm_eps": 1e-5,
	}
}

func (k sphinxKind) dinov2Entry(t *towers) map[string]any {
	return map[string]any{
		"model_type": "dinov2", "name": "dinov2", "shown": k.shown(viewSide),
		"image_mean": []float64{0.485, 0.456, 0.406}, "image_std": []float64{0.229, 0.224, 0.225},
		"hidden_size": t.DINOv2.Width, "num_attention_heads": t.DINOv2.Heads, "num_hidden_layers": t.DINOv2.Layers,
		"use_swiglu_ffn": true, "image_size": 518, "patch_size": 14, "interpolate_offset": 0.1,
	}
}
