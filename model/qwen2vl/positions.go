package qwen2vl

import (
	"slices"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// positions are those of a prompt's tokens in time, height and width. Text goes
// on equally in all three; a picture stands still in time, its tokens go on from
// the text by line and column, and the text behind it from the larger of these.
func (m *Model) positions(p *model.Prompt) [][3]int32 {
	out := make([][3]int32, len(p.IDs))
	starts := p.Starts
	if starts == nil {
		starts = []int{0, len(p.IDs)}
	}
	for i := range len(starts) - 1 {
		var branches []int
		if p.Branches != nil {
			branches = p.Branches[i]
		}
		m.count(out[starts[i]:starts[i+1]], starts[i], branches, p)
	}
	return out
}

// count fills in the positions of the conversation that starts at a token.
// Branches all go on from the trunk, the tokens before the first.
func (m *Model) count(out [][3]int32, start int, branches []int, p *model.Prompt) {
	next, trunk := int32(0), int32(0)
	for i := 0; i < len(out); {
		switch b := slices.Index(branches, i); {
		case b == 0:
			trunk = next
		case b > 0:
			next = trunk
		}
		image := slices.Index(p.At, start+i)
		if image < 0 {
			out[i] = [3]int32{next, next, next}
			next++
			i++
			continue
		}
		g := m.grid(p.Images[image])
		for t := range g.Len() {
			out[i+t] = [3]int32{next, next + int32(t/g.W), next + int32(t%g.W)}
		}
		next += int32(max(g.H, g.W))
		i += g.Len()
	}
}

// observe reports positions as the reference computes them: an axis after the
// other, and how far they stay behind the number of tokens.
func observe(c *tensor.Ctx, s *model.Sequence) {
	if !c.Observing() {
		return
	}
	n := len(s.Positions)
	ids, delta := tensor.New(3, n), tensor.New(1)
	for i, p := range s.Positions {
		for axis := range 3 {
			ids.Row(axis)[i] = float32(p[axis])
		}
	}
	delta.F32[0] = float32(int(s.Next(0, n)) - n)
	c.Observe("position_ids", ids)
	c.Observe("rope_deltas", delta)
}
