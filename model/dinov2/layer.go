package dinov2

import (
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// layer gives the parameters of a block the names of DINOv2's checkpoints.
type layer struct {
	Norm1  *nn.LayerNorm  `ckpt:"norm1"`
	Q      *nn.Linear     `ckpt:"attention.attention.query"`
	K      *nn.Linear     `ckpt:"attention.attention.key"`
	V      *nn.Linear     `ckpt:"attention.attention.value"`
	Out    *nn.Linear     `ckpt:"attention.output.dense"`
	Scale1 *tensor.Tensor `ckpt:"layer_scale1.lambda1"`
	Norm2  *nn.LayerNorm  `ckpt:"norm2"`
	MLP    nn.Layer       `ckpt:"mlp"`
	Scale2 *tensor.Tensor `ckpt:"layer_scale2.lambda1"`
}

// adapt makes a block of vit one of DINOv2, and names its parameters.
func adapt(b *vit.Block, cfg Config) *layer {
	d := cfg.HiddenSize
	b.Scale1, b.Scale2 = tensor.Declare(d), tensor.Declare(d)
	if cfg.SwiGLU {
		b.MLP = &swiGLU{In: nn.NewLinear(d, 2*cfg.IntermediateSize, true), Out: nn.NewLinear(cfg.IntermediateSize, d, true)}
	}
	if !cfg.QKVBias {
		b.Q.Bias, b.K.Bias, b.V.Bias = nil, nil, nil
	}
	return &layer{b.Norm1, b.Q, b.K, b.V, b.Out, b.Scale1, b.Norm2, b.MLP, b.Scale2}
}

// swiGLU is the gated feed-forward part, gate and value in one matrix.
type swiGLU struct {
	In  *nn.Linear `ckpt:"weights_in"`
	Out *nn.Linear `ckpt:"weights_out"`
}

// Forward keeps the shape.
func (s *swiGLU) Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	h := s.In.Weight.Shape[0] / 2
	return s.Out.Forward(c, ops.SwiGLU(c, s.In.Outputs(c, x, 0, h), s.In.Outputs(c, x, h, 2*h)))
}
