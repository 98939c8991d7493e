// Package clip is CLIP: a vision transformer and a text transformer that put
// pictures and texts into one space.
//
// Learning Transferable Visual Models From Natural Language Supervision,
// Radford et al. 2021, https://arxiv.org/abs/2103.00020. Parameters are named
// as in Hugging Face checkpoints of CLIPModel and CLIPVisionModel.
package clip

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Vision is the picture tower.
type Vision struct {
	Class     *tensor.Tensor `ckpt:"embeddings.class_embedding"`
	Patch     *nn.Linear     `ckpt:"embeddings.patch_embedding"` // from 3·patch·patch values
	Position  *tensor.Tensor `ckpt:"embeddings.position_embedding.weight"`
	PreNorm   *nn.LayerNorm  `ckpt:"pre_layrnorm"` // the checkpoints' own spelling
	vit.Trunk `ckpt:""`
	PostNorm  *nn.LayerNorm `ckpt:"post_layernorm"` // nil if the checkpoint ends with the last feature layer
}

// NewVision declares a tower. Stages are observed under out.Stage.
func NewVision(cfg vit.Config, out vit.Output) (*Vision, error) {
	trunk, err := vit.NewTrunk(cfg, out, true)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	d, g := cfg.HiddenSize, cfg.Grid()
	v := &Vision{
		Class:    tensor.Declare(d),
		Patch:    nn.NewKernel(d, false, 3, cfg.PatchSize, cfg.PatchSize),
		Position: tensor.Declare(g*g+1, d),
		PreNorm:  nn.NewLayerNorm(d, cfg.LayerNormEps),
		Trunk:    trunk,
		PostNorm: nn.NewLayerNorm(d, cfg.LayerNormEps),
	}
	v.Bare, v.Final = true, v.PostNorm
	v.Embed = func(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
		return v.PreNorm.Forward(c, vit.Embed(c, views, &cfg, v.Patch, v.Class, v.Position))
	}
	return v, nil
}

// Side is that of the square views that the tower reads, in pixels.
func (v *Vision) Side() int { return v.Config().ImageSize }

// Cut says that the checkpoint ends with the last feature layer: blocks behind it, and PostNorm, are not in it.
func (v *Vision) Cut() { v.PostNorm, v.Bare = nil, false }

// Pool returns the normalised class token of the last layer: [views, width].
func (v *Vision) Pool(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	x := v.PostNorm.Forward(c, v.ClassRows(c, v.Last(c, views), len(views.Sizes)))
	c.Observe(v.Stage("pooler_output"), x)
	return x
}

// Skips reports whether Encode leaves out a stage because it lies behind the
// last selected layer.
func (v *Vision) Skips(stage string) bool {
	return v.Trunk.Skips(stage) || v.PostNorm == nil && v.Behind(stage)
}
