// Package nn holds the layers that models are built from, and the functions
// that see a model as the tree of its parameters.
package nn

import (
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Layer works on each row alone.
type Layer interface {
	Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor
}

// Linear is y = x·Wᵀ + b.
type Linear struct {
	Weight *tensor.Tensor `ckpt:"weight"` // [out, in]
	Bias   *tensor.Tensor `ckpt:"bias"`   // [out], or nil

	// Kernel is the shape of one output's weights in checkpoints, for the kernel of a
	// convolution; nil: they are a row.
	Kernel []int

	// LoRA is an update of low rank that is added to the weight; nil: none is.
	LoRA *LoRA `ckpt:""`
}

// NewLinear declares a layer of in inputs and out outputs.
func NewLinear(in, out int, bias bool) *Linear {
	l := &Linear{Weight: tensor.Declare(out, in)}
	if bias {
		l.Bias = tensor.Declare(out)
	}
	return l
}

// NewKernel declares the layer of a convolution whose windows do not overlap, or
// are cut out before: of as many inputs as the kernel has elements.
func NewKernel(out int, bias bool, kernel ...int) *Linear {
	l := NewLinear(tensor.Size(kernel), out, bias)
	l.Kernel = kernel
	return l
}

// Forward maps [rows, in] to [rows, out].
func (l *Linear) Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	c.ObserveInput(l.Weight, x)
	if l.LoRA != nil {
		return l.LoRA.forward(c, x, l.Weight, l.Bias)
	}
	return ops.Linear(c, x, l.Weight, l.Bias)
}

// Outputs is Forward for the outputs [lo, hi) only: [rows, hi-lo]. Queries, keys
// and values that are stored as one matrix are taken apart so.
func (l *Linear) Outputs(c *tensor.Ctx, x *tensor.Tensor, lo, hi int) *tensor.Tensor {
	bias := l.Bias
	if bias != nil {
		bias = c.Slice(bias, lo, hi)
	}
	weight := c.Slice(l.Weight, lo, hi)
	if l.LoRA != nil {
		part := l.LoRA.outputs(c, lo, hi)
		return part.forward(c, x, weight, bias)
	}
	return ops.Linear(c, x, weight, bias)
}

// LayerNorm normalises rows to mean 0 and variance 1, then scales and shifts.
type LayerNorm struct {
	Weight *tensor.Tensor `ckpt:"weight"`
	Bias   *tensor.Tensor `ckpt:"bias"`
	Eps    float32
}

// NewLayerNorm declares a norm over rows of the given width.
func NewLayerNorm(width int, eps float32) *LayerNorm {
	return &LayerNorm{Weight: tensor.Declare(width), Bias: tensor.Declare(width), Eps: eps}
}

// Forward keeps the shape.
func (l *LayerNorm) Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	return ops.LayerNorm(c, x, l.Weight, l.Bias, l.Eps)
}

// RMSNorm scales rows to a root mean square of 1, then by a weight.
type RMSNorm struct {
	Weight *tensor.Tensor `ckpt:"weight"`
	Eps    float32
}

// NewRMSNorm declares a norm over rows of the given width.
func NewRMSNorm(width int, eps float32) *RMSNorm {
	return &RMSNorm{Weight: tensor.Declare(width), Eps: eps}
}

// Forward keeps the shape.
func (l *RMSNorm) Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	return ops.RMSNorm(c, x, l.Weight, l.Eps)
}

// Embedding is a table whose rows are looked up.
type Embedding struct {
	Weight *tensor.Tensor `ckpt:"weight"` // [entries, width]
}

// NewEmbedding declares a table.
func NewEmbedding(entries, width int) *Embedding {
	return &Embedding{Weight: tensor.Declare(entries, width)}
}

// Forward returns the rows of ids: [len(ids), width].
func (e *Embedding) Forward(c *tensor.Ctx, ids []int32) *tensor.Tensor {
	return ops.Gather(c, ids, e.Weight)
}

// Unembed maps [rows, width] to scores of all entries, [rows, entries]: the head of
// a language model that has none of its own.
func (e *Embedding) Unembed(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	c.ObserveInput(e.Weight, h)
	return ops.Linear(c, h, e.Weight, nil)
}

// SwiGLU is a gated feed-forward part (Shazeer 2020, https://arxiv.org/abs/2002.05202).
type SwiGLU struct {
	Gate *Linear `ckpt:"gate_proj"`
	Up   *Linear `ckpt:"up_proj"`
	Down *Linear `ckpt:"down_proj"`
}

// NewSwiGLU declares a part that keeps the width.
func NewSwiGLU(width, inner int, bias bool) *SwiGLU {
	return &SwiGLU{NewLinear(width, inner, bias), NewLinear(width, inner, bias), NewLinear(inner, width, bias)}
}

// Forward keeps the shape.
func (s *SwiGLU) Forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	return Gated(c, x, s.Gate, s.Up, s.Down)
}

// FeedForward is down(act(up(x))).
func FeedForward(c *tensor.Ctx, x *tensor.Tensor, up, down *Linear, act ops.Act) *tensor.Tensor {
	if c.Inputs != nil || adapted(up, down) { // somebody wants to see what goes into down, or to change what comes out
		return down.Forward(c, ops.Activate(c, up.Forward(c, x), act))
	}
	return ops.FeedForward(c, x, ops.Feed{Up: up.Weight, UpBias: up.Bias, Down: down.Weight, DownBias: down.Bias, Act: act})
}

// Gated is down(SiLU(gate(x)) ⊙ up(x)).
func Gated(c *tensor.Ctx, x *tensor.Tensor, gate, up, down *Linear) *tensor.Tensor {
	if c.Inputs != nil || adapted(gate, up, down) {
		return down.Forward(c, ops.SwiGLU(c, gate.Forward(c, x), up.Forward(c, x)))
	}
	return ops.FeedForward(c, x, ops.Feed{
		Gate: gate.Weight, GateBias: gate.Bias, Up: up.Weight, UpBias: up.Bias, Down: down.Weight, DownBias: down.Bias,
	})
}
