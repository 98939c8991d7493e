// Package bigg is the picture tower of Qwen-VL: OpenCLIP's ViT-bigG without its
// class token and last norm, over square views.
//
// Qwen-VL, Bai et al. 2023, https://arxiv.org/abs/2308.12966; OpenCLIP, Cherti et
// al. 2022, https://arxiv.org/abs/2212.07143. Parameters are named as in Qwen-VL's
// checkpoints, below transformer.visual.
package bigg

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// side is that of the table of positions, in patches, whatever the size of a view.
const side = 16

// Vision is the tower.
type Vision struct {
	Patch    *nn.Linear     `ckpt:"conv1"`                // from 3·patch·patch values
	Position *tensor.Tensor `ckpt:"positional_embedding"` // [256, width]
	PreNorm  *nn.LayerNorm  `ckpt:"ln_pre"`
	Blocks   []*Block       `ckpt:"transformer.resblocks"`

	cfg       vit.Config
	recompute bool // keep only the blocks' inputs while training
}

// New declares the tower of a checked config.
func New(cfg vit.Config) *Vision {
	v := &Vision{
		Patch:    nn.NewKernel(cfg.HiddenSize, false, 3, cfg.PatchSize, cfg.PatchSize),
		Position: tensor.Declare(side*side, cfg.HiddenSize),
		PreNorm:  nn.NewLayerNorm(cfg.HiddenSize, cfg.LayerNormEps),
		cfg:      cfg,
	}
	for range cfg.NumHiddenLayers {
		v.Blocks = append(v.Blocks, newBlock(cfg))
	}
	return v
}

// Config returns the tower's configuration.
func (v *Vision) Config() vit.Config { return v.cfg }

// SetRecompute implements model.Recomputer.
func (v *Vision) SetRecompute(on bool) { v.recompute = on }

// Width is that of a feature.
func (v *Vision) Width() int { return v.cfg.HiddenSize }

// Encode returns a feature for every patch of every view, the last block's as they are.
// Views are squares of one size, a multiple of the patches'; as in Qwen-VL, it need not
// be that of the config.
func (v *Vision) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	cfg := v.cfg
	cfg.ImageSize = views.Size().X
	x := v.PreNorm.Forward(c, vit.Embed(c, views, &cfg, v.Patch, nil, v.positions(c, cfg.Grid())))
	c.Observe("ln_pre", x)
	starts := make([]int, len(views.Sizes)+1)
	for i := range starts {
		starts[i] = i * x.Rows() / len(views.Sizes)
	}
	a := &ops.Attn{Heads: v.cfg.NumHeads, KVHeads: v.cfg.NumHeads, Starts: starts}
	for _, b := range v.Blocks {
		x = model.Block(c, v.recompute, x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, a) })
	}
	c.Observe("vit_out", x)
	return &model.Features{X: x, Starts: starts}
}

// positions are those of the n·n patches of a view, interpolated where it has more or fewer than the table.
func (v *Vision) positions(c *tensor.Ctx, n int) *tensor.Tensor {
	if n != side {
		return ops.Interpolate(c, v.Position, ops.Grid{H: side, W: side}, ops.Grid{H: n, W: n}, ops.Cubic2D)
	}
	return v.Position
}
