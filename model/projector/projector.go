// Package projector holds the adapters that map every feature to one token: a
// linear layer (LLaVA) and a two-layer MLP (LLaVA-1.5).
//
// Improved Baselines with Visual Instruction Tuning, Liu et al. 2023,
// https://arxiv.org/abs/2310.03744.
package projector

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// MLP is linear, activation, linear.
type MLP struct {
	Linear1 *nn.Linear `ckpt:"linear_1"`
	Linear2 *nn.Linear `ckpt:"linear_2"`
	act     ops.Act
}

// NewMLP declares a projector from features of width in to embeddings of width out.
func NewMLP(in, out int, bias bool, act ops.Act) *MLP {
	return &MLP{nn.NewLinear(in, out, bias), nn.NewLinear(out, out, bias), act}
}

// Adapt keeps the rows: one feature is one token.
func (p *MLP) Adapt(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	return nn.FeedForward(c, f.X, p.Linear1, p.Linear2, p.act)
}

// Linear is one matrix.
type Linear struct {
	*nn.Linear `ckpt:""`
}

// NewLinear declares a projector from features of width in to embeddings of width out.
func NewLinear(in, out int, bias bool) Linear { return Linear{nn.NewLinear(in, out, bias)} }

// Adapt keeps the rows: one feature is one token.
func (p Linear) Adapt(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	return p.Forward(c, f.X)
}

// Normed is a projector whose tokens are normalised.
type Normed struct {
	Projector model.Adapter `ckpt:""`
	Norm      *nn.LayerNorm `ckpt:"norm"`
}

// NewNormed declares the norm behind p, whose embeddings have the given width.
func NewNormed(p model.Adapter, width int) *Normed {
	const eps = 1e-5 // torch's default
	return &Normed{p, nn.NewLayerNorm(width, eps)}
}

// Adapt keeps the rows.
func (p *Normed) Adapt(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	return p.Norm.Forward(c, p.Projector.Adapt(c, f))
}
