package ensemble

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blipvit"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/convnext"
	"github.com/fovea-ml/fovea/model/dinov2"
	"github.com/fovea-ml/fovea/model/qformer"
	"github.com/fovea-ml/fovea/model/siglip"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/tensor"
)

// kinds are the encoders that an ensemble may have, by model_type.
func kinds() map[string]kind {
	return map[string]kind{
		"clip_vision_model":   newCLIP,
		"siglip_vision_model": newSigLIP,
		"dinov2":              newDINOv2,
		"convnext":            newConvNeXt,
		"blip_2_qformer":      newQueries,
	}
}

// output is what an entry says of the features of a transformer.
func (e *member) output(class bool) vit.Output {
	out := vit.Output{Norm: e.norm(), DropClass: class && !e.class(), Stage: e.Name + "."}
	if e.Across {
		out.Across = e.views
	}
	if e.Layer != nil {
		out.Layers = []int{*e.Layer}
	}
	return out
}

func (e *member) class() bool { return e.Class == nil || *e.Class }

func (e *member) norm() bool {
	if e.Norm != nil {
		return *e.Norm
	}
	return e.Layer == nil
}

func newCLIP(data []byte, e *member) (declared, error) {
	cfg, err := clip.ParseVision(data)
	if err != nil {
		return declared{}, err
	}
	v, err := clip.NewVision(cfg, e.output(true))
	return declared{encoder: v, fixed: cfg.ImageSize, places: func(int) int { return cfg.Grid() }, class: e.class()}, err
}

func newSigLIP(data []byte, e *member) (declared, error) {
	cfg, err := siglip.ParseConfig(data)
	if err != nil {
		return declared{}, err
	}
	v, err := siglip.NewVision(cfg, e.output(false))
	return declared{encoder: v, fixed: cfg.ImageSize, places: func(int) int { return cfg.Grid() }}, err
}

func newDINOv2(data []byte, e *member) (declared, error) {
	cfg, err := dinov2.ParseConfig(data)
	if err != nil {
		return declared{}, err
	}
	v, err := dinov2.NewVision(cfg, e.output(true))
	return declared{encoder: v, places: func(side int) int { return side / cfg.PatchSize }, class: e.class()}, err
}

func newConvNeXt(data []byte, e *member) (declared, error) {
	cfg, err := convnext.ParseConfig(data)
	if err != nil {
		return declared{}, err
	}
	if e.Layer != nil {
		return declared{}, fmt.Errorf("layer: ConvNeXt's features are its last map")
	}
	cfg.NormFeatures = e.norm()
	v, err := convnext.New(cfg)
	return declared{encoder: v, places: v.Side}, err
}

// queries is the Q-Former of BLIP-2 with the encoder that it reads: what its
// queries have become is the features.
type queries struct {
	Vision  *blipvit.Vision `ckpt:"vision_model"`
	Queries *tensor.Tensor  `ckpt:"query_tokens"` // [1, queries, width]
	QFormer *qformer.Model  `ckpt:"qformer"`
}

func newQueries(data []byte, e *member) (declared, error) {
	empty := json.RawMessage("{}")
	f := struct {
		Vision  json.RawMessage `json:"vision_config"`
		QFormer json.RawMessage `json:"qformer_config"`
		Queries int             `json:"num_query_tokens"`
	}{empty, empty, 32}
	if err := json.Unmarshal(data, &f); err != nil {
		return declared{}, err
	}
	vision, err := blipvit.ParseConfig(f.Vision, blipvit.DefaultEVA())
	if err != nil {
		return declared{}, fmt.Errorf("vision_config: %w", err)
	}
	cfg, err := qformer.ParseConfig(f.QFormer)
	switch {
	case err != nil:
		return declared{}, fmt.Errorf("qformer_config: %w", err)
	case cfg.EncoderWidth != vision.HiddenSize:
		return declared{}, fmt.Errorf("encoder_hidden_size of qformer_config is %d, and hidden_size of vision_config %d", cfg.EncoderWidth, vision.HiddenSize)
	case e.Layer != nil || e.Norm != nil || e.Class != nil:
		return declared{}, fmt.Errorf("layer, norm and class say nothing of a Q-Former")
	}
	if err := model.CheckSize("num_query_tokens", f.Queries, 1<<12); err != nil {
		return declared{}, err
	}
	v, err := blipvit.New(vision, e.Name+".vision.")
	q := &queries{Vision: v, Queries: tensor.Declare(1, f.Queries, cfg.HiddenSize), QFormer: qformer.New(cfg)}
	return declared{encoder: q, fixed: vision.ImageSize, rows: f.Queries}, err
}

// Width is that of a feature.
func (q *queries) Width() int { return q.QFormer.Config().HiddenSize }

// Encode returns a row for each query.
func (q *queries) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	x := q.QFormer.Forward(c, q.Queries, qformer.Input{Seen: q.Vision.Encode(c, views)})
	n := len(views.Sizes)
	return &model.Features{X: x, Starts: starts(n, x.Rows()/n)}
}
