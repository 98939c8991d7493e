// Package dinov2 is DINOv2: a vision transformer that learned from pictures
// alone, and sees where things are.
//
// DINOv2: Learning Robust Visual Features without Supervision, Oquab et al.
// 2023, https://arxiv.org/abs/2304.07193. Parameters are named as in Hugging
// Face checkpoints of Dinov2Model.
package dinov2

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Vision is the tower. It takes views of any size that is a whole number of
// patches, all of one batch the same; what is left over is not seen.
type Vision struct {
	Class    *tensor.Tensor `ckpt:"embeddings.cls_token"`  // [1, 1, width]
	Mask     *tensor.Tensor `ckpt:"embeddings.mask_token"` // of pre-training, not read; nil if there is none
	Position *tensor.Tensor `ckpt:"embeddings.position_embeddings"`
	Patch    *nn.Linear     `ckpt:"embeddings.patch_embeddings.projection"`
	Layers   []*layer       `ckpt:"encoder.layer"` // the parameters of Blocks
	Norm     *nn.LayerNorm  `ckpt:"layernorm"`

	vit.Trunk
	wide bool // how Position is fitted to other grids
}

// NewVision declares a tower. Stages are observed under out.Stage.
func NewVision(cfg Config, out vit.Output) (*Vision, error) {
	trunk, err := vit.NewTrunk(cfg.Config, out, true)
	if err != nil {
		return nil, fmt.Errorf("dinov2: %w", err)
	}
	d, g := cfg.HiddenSize, cfg.Grid()
	v := &Vision{
		Class:    tensor.Declare(1, 1, d),
		Position: tensor.Declare(1, g*g+1, d),
		Patch:    nn.NewKernel(d, true, 3, cfg.PatchSize, cfg.PatchSize),
		Norm:     nn.NewLayerNorm(d, cfg.LayerNormEps),
		Trunk:    trunk,
		wide:     cfg.Offset != 0,
	}
	v.Embed, v.Final = v.embed, v.Norm
	if cfg.Mask {
		v.Mask = tensor.Declare(1, d)
	}
	for _, b := range v.Blocks {
		v.Layers = append(v.Layers, adapt(b, cfg))
	}
	return v, nil
}

// Pool returns the normalised class token of the last layer: [views, width].
func (v *Vision) Pool(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	x := v.Norm.Forward(c, v.Last(c, views))
	c.Observe(v.Stage("last_hidden_state"), x)
	x = v.ClassRows(c, x, len(views.Sizes))
	c.Observe(v.Stage("pooler_output"), x)
	return x
}

// embed puts the class token before the patches and adds positions.
func (v *Vision) embed(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	size, patch := views.Size(), v.Config().PatchSize
	grid := ops.Grid{H: size.Y / patch, W: size.X / patch}
	x := v.Patch.Forward(c, ops.Patches(c, views.Tensor(), patch))
	return vit.Place(c, x, v.Class, v.positions(c, grid), len(views.Sizes))
}

// positions fits the table, the class token's row before those of a square of
// patches, to another grid.
func (v *Vision) positions(c *tensor.Ctx, to ops.Grid) *tensor.Tensor {
	cfg := v.Config()
	kernel := ops.Cubic2D
	if v.wide {
		kernel = ops.WideCubic2D
	}
	from := ops.Grid{H: cfg.Grid(), W: cfg.Grid()}
	if to == from {
		return v.Position
	}
	all := c.View(v.Position, v.Position.Rows(), cfg.HiddenSize)
	patches := ops.Interpolate(c, c.Slice(all, 1, all.Rows()), from, to, kernel)
	rows := make([]int32, 1+to.Len())
	for i := range rows {
		rows[i] = int32(i)
	}
	return ops.Gather(c, rows, c.Slice(all, 0, 1), patches)
}
