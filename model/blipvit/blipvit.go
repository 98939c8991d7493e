// Package blipvit is the picture tower of BLIP and of BLIP-2, which took EVA's: a
// vision transformer whose queries, keys and values are one matrix, and whose
// features are the last layer, normalised, the class token among them.
//
// BLIP, Li et al. 2022, https://arxiv.org/abs/2201.12086; BLIP-2, Li et al. 2023,
// https://arxiv.org/abs/2301.12597. Parameters are named as in Hugging Face
// checkpoints, without "vision_model.".
package blipvit

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Vision is the tower.
type Vision struct {
	Class    *tensor.Tensor `ckpt:"embeddings.class_embedding"`    // [1, 1, width]
	Position *tensor.Tensor `ckpt:"embeddings.position_embedding"` // [1, 1 + patches, width]
	Patch    *nn.Linear     `ckpt:"embeddings.patch_embedding"`    // from 3·patch·patch values
	Layers   []*layer       `ckpt:"encoder.layers"`                // the parameters of Blocks
	PostNorm *nn.LayerNorm  `ckpt:"post_layernorm"`

	vit.Trunk
}

// layer gives the parameters of a block the names of BLIP's checkpoints.
type layer struct {
	Norm1 *nn.LayerNorm `ckpt:"layer_norm1"`
	QKV   *nn.Linear    `ckpt:"self_attn.qkv"`
	Out   *nn.Linear    `ckpt:"self_attn.projection"`
	Norm2 *nn.LayerNorm `ckpt:"layer_norm2"`
	MLP   nn.Layer      `ckpt:"mlp"`
}

// New declares a tower. Stages are observed under a prefix, such as "vision.".
func New(cfg Config, stage string) (*Vision, error) {
	trunk, err := vit.NewTrunk(cfg.Config, vit.Output{Stage: stage}, true)
	if err != nil {
		return nil, fmt.Errorf("blipvit: %w", err)
	}
	d, g := cfg.HiddenSize, cfg.Grid()
	v := &Vision{Trunk: trunk, PostNorm: nn.NewLayerNorm(d, cfg.LayerNormEps)}
	v.Patch = nn.NewKernel(d, true, 3, cfg.PatchSize, cfg.PatchSize)
	v.Class, v.Position = tensor.Declare(1, 1, d), tensor.Declare(1, g*g+1, d)
	v.Embed = func(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
		return vit.Embed(c, views, &cfg.Config, v.Patch, v.Class, v.Position)
	}
	for _, b := range v.Blocks {
		b.QKV = nn.NewLinear(d, 3*d, cfg.QKVBias == nil || *cfg.QKVBias)
		v.Layers = append(v.Layers, &layer{b.Norm1, b.QKV, b.Out, b.Norm2, b.MLP})
	}
	return v, nil
}

// Encode returns the normalised last layer of every view, the class token first.
func (v *Vision) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	f := v.Trunk.Encode(c, views)
	f.X = v.PostNorm.Forward(c, f.X)
	c.Observe(v.Stage("last_hidden_state"), f.X)
	return f
}

// Skips reports that no stage is left out.
func (v *Vision) Skips(string) bool { return false }
