package convnext

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Stage is blocks on maps of one size.
type Stage struct {
	Norm   *nn.LayerNorm `ckpt:"downsampling_layer.0"` // nil in the first stage, with Down
	Down   *nn.Linear    `ckpt:"downsampling_layer.1"` // from the four places that become one
	Blocks []*Block      `ckpt:"layers"`

	recompute bool // keep only the blocks' inputs while training
}

// Block is a depthwise convolution and a feed-forward part, added to the map.
type Block struct {
	Conv  *nn.Linear     `ckpt:"dwconv"` // the weight of each channel's square of side kernelSide
	Norm  *nn.LayerNorm  `ckpt:"layernorm"`
	FC1   *nn.Linear     `ckpt:"pwconv1"`
	FC2   *nn.Linear     `ckpt:"pwconv2"`
	Scale *tensor.Tensor `ckpt:"layer_scale_parameter"` // [channels], or nil

	act ops.Act
}

const (
	kernelSide = 7
	shrink     = 2 // of a map's sides, from stage to stage
	expand     = 4 // of the channels, in the feed-forward part
)

func newStage(cfg Config, in, out, depth int, down bool) *Stage {
	s := &Stage{Blocks: make([]*Block, depth)}
	if down {
		s.Norm, s.Down = nn.NewLayerNorm(in, cfg.BlockNormEps), nn.NewKernel(out, true, in, shrink, shrink)
	}
	for i := range s.Blocks {
		b := &Block{
			Conv: nn.NewKernel(out, true, 1, kernelSide, kernelSide),
			Norm: nn.NewLayerNorm(out, cfg.BlockNormEps),
			FC1:  nn.NewLinear(out, expand*out, true),
			FC2:  nn.NewLinear(expand*out, out, true),
			act:  cfg.act,
		}
		if cfg.LayerScaleInit > 0 {
			b.Scale = tensor.Declare(out)
		}
		s.Blocks[i] = b
	}
	return s
}

// forward maps [views, h, w, in] to [views, h/2, w/2, out]; the first stage keeps the shape.
func (s *Stage) forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	if s.Down != nil {
		n, h, w := x.Shape[0], x.Shape[1], x.Shape[2]
		y := s.Down.Forward(c, ops.MapPatches(c, s.Norm.Forward(c, x), shrink))
		x = c.View(y, n, h/shrink, w/shrink, y.Cols())
	}
	for _, b := range s.Blocks {
		x = model.Block(c, s.recompute, x, b.forward)
	}
	return x
}

func (b *Block) forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	h := b.Norm.Forward(c, ops.DepthwiseConv(c, x, b.Conv.Weight, b.Conv.Bias))
	h = nn.FeedForward(c, h, b.FC1, b.FC2, b.act)
	if b.Scale != nil {
		h = ops.LayerScale(c, h, b.Scale)
	}
	return ops.Add(c, x, c.View(h, x.Shape...))
}
