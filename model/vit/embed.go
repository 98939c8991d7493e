package vit

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Embed returns the patches of square views of cfg.ImageSize pixels, mapped by
// patch and with their positions: [views·rows, width]. class, if not nil, stands
// before the patches of each view and has the first position.
func Embed(c *tensor.Ctx, v *model.Views, cfg *Config, patch *nn.Linear, class, positions *tensor.Tensor) *tensor.Tensor {
	if s := v.Size(); s.X != cfg.ImageSize || s.Y != cfg.ImageSize {
		panic(fmt.Sprintf("vit: view of %d×%d pixels, want %d×%d", s.X, s.Y, cfg.ImageSize, cfg.ImageSize))
	}
	return Place(c, patch.Forward(c, ops.Patches(c, v.Tensor(), cfg.PatchSize)), class, positions, len(v.Sizes))
}

// Place puts class, if not nil, before the patches of each view and adds positions.
func Place(c *tensor.Ctx, patches, class, positions *tensor.Tensor, views int) *tensor.Tensor {
	per := positions.Rows()
	pos := make([]int32, views*per)
	for i := range pos {
		pos[i] = int32(i % per)
	}
	if class == nil {
		return ops.AddRows(c, patches, positions, pos)
	}
	rows := make([]int32, views*per) // row 0 of the source is the class token
	for i := range rows {
		if view, p := i/per, i%per; p > 0 {
			rows[i] = int32(1 + view*(per-1) + p - 1)
		}
	}
	x := ops.Gather(c, rows, c.View(class, 1, class.Len()), patches)
	return ops.AddRows(c, x, positions, pos)
}
