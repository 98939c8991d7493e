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
	return &Vision{
		Class:    tensor.Declare(d),
		Patch:    nn.NewLinear(3*cfg.PatchSize*cfg.PatchSize, d, false),
		Position: tensor.Declare(g*g+1, d),
		PreNorm:  nn.NewLayerNorm(d, cfg.LayerNormEps),
		Trunk:    trunk,
		PostNorm: nn.NewLayerNorm(d, cfg.LayerNormEps),
	}, nil
}

// Side is that of the square views that the tower reads, in pixels.
func (v *Vision) Side() int { return v.Config().ImageSize }

// Encode returns the selected hidden states of every view. Blocks behind the
// last selected layer are not run.
func (v *Vision) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	return v.Features(c, v.hidden(c, views, v.Depth()), len(views.Sizes))
}

// Pool returns the normalised class token of the last layer: [views, width].
func (v *Vision) Pool(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	last := len(v.Blocks)
	x := v.PostNorm.Forward(c, v.Trunk.Pool(c, v.hidden(c, views, last)[last], len(views.Sizes)))
	c.Observe(v.Stage("pooler_output"), x)
	return x
}

// Skips reports whether Encode leaves out a stage because it lies behind the
// last selected layer.
func (v *Vision) Skips(stage string) bool {
	whole := v.PostNorm != nil && v.Depth() == len(v.Blocks)
	return v.Trunk.Skips(stage) && !(whole && stage == v.Stage("last_hidden_state")) || v.PostNorm == nil && v.Behind(stage)
}

// hidden runs the first n blocks and returns all hidden states, each [views·(patches+1), width].
func (v *Vision) hidden(c *tensor.Ctx, views *model.Views, n int) []*tensor.Tensor {
	cfg := v.Config()
	x := v.PreNorm.Forward(c, vit.Embed(c, views, &cfg, v.Patch, v.Class, v.Position))
	states := v.Hidden(c, x, len(views.Sizes), n)
	if n == len(v.Blocks) && v.PostNorm != nil {
		c.Observe(v.Stage("last_hidden_state"), states[n])
	}
	return states
}
