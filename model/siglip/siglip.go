// Package siglip is SigLIP: CLIP's blocks without a class token, a head that
// looks at all patches to describe the whole picture, and a text tower; or its
// picture tower alone.
//
// Sigmoid Loss for Language Image Pre-Training, Zhai et al. 2023,
// https://arxiv.org/abs/2303.15343. Parameters are named as in Hugging Face
// checkpoints of SiglipModel and SiglipVisionModel.
package siglip

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Vision is the picture tower.
type Vision struct {
	Patch     *nn.Linear     `ckpt:"embeddings.patch_embedding"` // from 3·patch·patch values
	Position  *tensor.Tensor `ckpt:"embeddings.position_embedding.weight"`
	vit.Trunk `ckpt:""`
	PostNorm  *nn.LayerNorm `ckpt:"post_layernorm"`
	Head      *Head         `ckpt:"head"` // nil if the checkpoint has none
}

// VisionModel is the tower alone, as SiglipVisionModel saves it.
type VisionModel struct {
	*Vision `ckpt:"vision_model"`
}

// NewVision declares a tower. Stages are observed under out.Stage.
func NewVision(cfg Config, out vit.Output) (*Vision, error) {
	trunk, err := vit.NewTrunk(cfg.Config, out, false)
	if err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	d, g := cfg.HiddenSize, cfg.Grid()
	v := &Vision{
		Patch:    nn.NewKernel(d, true, 3, cfg.PatchSize, cfg.PatchSize),
		Position: tensor.Declare(g*g, d),
		Trunk:    trunk,
		PostNorm: nn.NewLayerNorm(d, cfg.LayerNormEps),
	}
	v.Final = v.PostNorm
	v.Embed = func(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
		return vit.Embed(c, views, &cfg.Config, v.Patch, nil, v.Position)
	}
	if cfg.UseHead {
		v.Head = newHead(cfg.Config)
	}
	return v, nil
}

// Side is that of the square views that the tower reads, in pixels.
func (v *Vision) Side() int { return v.Config().ImageSize }

// Pool returns what the head makes of every view: [views, width]. Without a
// head it is the normalised last layer, a row for each patch.
func (v *Vision) Pool(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	x := v.PostNorm.Forward(c, v.Last(c, views))
	c.Observe(v.Stage("last_hidden_state"), x)
	if v.Head == nil {
		return x
	}
	x = v.Head.forward(c, x, len(views.Sizes))
	c.Observe(v.Stage("pooler_output"), x)
	return x
}
