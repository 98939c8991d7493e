package qwen2vl

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// mostPatches bounds the activations of the tower: patches that go through it at once.
const mostPatches = 1 << 14

// see returns the rows of all views that enter the language model and, in Qwen3-VL,
// those that join its layers. No view sees another, so that those of a long video go
// through the tower in parts where nothing is learnt.
func (m *Model) see(c *tensor.Ctx, v *model.Views) []*tensor.Tensor {
	parts := m.parts(v)
	if c.Train || c.Observing() || len(parts) == 1 {
		return m.seeAtOnce(c, v)
	}
	outputs, width := 1+len(m.cfg.Vision.Deep), m.cfg.Text.HiddenSize
	var seen []*tensor.Tensor      // of each part, its outputs one below another
	at := make([][]int32, outputs) // the rows of each output among these
	next := int32(0)
	for _, p := range parts {
		own := v.Part(p[0], p[1])
		tokens := 0
		for _, s := range own.Sizes {
			tokens += m.Vision.Tokens(s.X, s.Y).Len()
		}
		all := &tensor.Tensor{Shape: []int{outputs * tokens, width}}
		seen = append(seen, c.Block(all, func(c *tensor.Ctx, _ *tensor.Tensor) *tensor.Tensor {
			return ops.Gather(c, numbers(0, outputs*tokens), m.seeAtOnce(c, own)...)
		}))
		for i := range at {
			at[i] = append(at[i], numbers(next, tokens)...)
			next += int32(tokens)
		}
	}
	out := make([]*tensor.Tensor, outputs)
	for i := range out {
		out[i] = ops.Gather(c, at[i], seen...)
	}
	return out
}

// seeAtOnce is see of views that go through the tower together.
func (m *Model) seeAtOnce(c *tensor.Ctx, v *model.Views) []*tensor.Tensor {
	f := m.Vision.Encode(c, v)
	x := m.Merger.Adapt(c, f)
	c.Observe("visual.out", x)
	if m.deep == nil {
		return []*tensor.Tensor{x}
	}
	return append([]*tensor.Tensor{x}, m.deep.AdaptDeep(c, f)...)
}

// parts are the first and the last views, and one more, of those that go through the tower together.
func (m *Model) parts(v *model.Views) (parts [][2]int) {
	first, patches := 0, 0
	for i, s := range v.Sizes {
		n := m.Vision.Tokens(s.X, s.Y).Len() * m.cfg.Vision.Merge * m.cfg.Vision.Merge
		if patches += n; patches > mostPatches && i > first {
			parts = append(parts, [2]int{first, i})
			first, patches = i, n
		}
	}
	return append(parts, [2]int{first, len(v.Sizes)})
}

// numbers are n numbers from first on.
func numbers(first int32, n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = first + int32(i)
	}
	return out
}
