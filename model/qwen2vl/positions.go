package qwen2vl

import (
	"slices"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// positions are those of a prompt's tokens in time, height and width. Text goes
// on equally in all three; a picture stands still in time, its tokens go on from
// the text by line and column, and the text behind it from the largest of these.
// The views of a video go on in time too.
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
		i += m.place(out[i:], next, p.Images[image])
		for _, at := range out[i-1] { // the last token is furthest in all three
			next = max(next, at+1)
		}
	}
}

// place fills in the positions of a picture or video that begins at a position,
// and returns how many they are.
func (m *Model) place(out [][3]int32, first int32, t *model.Tiles) int {
	g, n := m.grid(t), 0
	for view := range t.Views.Sizes {
		time := first + m.time(t.Clip, view)
		for i := range g.Len() {
			out[n] = [3]int32{time, first + int32(i/g.W), first + int32(i%g.W)}
			n++
		}
	}
	return n
}

// time is how far a view of a video is from the first: one step each or, where the
// config says how many steps a second has, so many, in the reference's float32.
func (m *Model) time(clip *model.Clip, view int) int32 {
	v := m.cfg.Vision
	if clip == nil || v.PerSecond == 0 {
		return int32(view)
	}
	seconds := float32(float64(v.Frames) / clip.FPS)
	return int32(float32(float32(view)*seconds) * float32(v.PerSecond))
}

// observe reports grids and positions as the reference computes them: time, height
// and width in patches of each picture and of each video; an axis after the other,
// and how far they stay behind the number of tokens.
func (m *Model) observe(c *tensor.Ctx, p *model.Prompt, s *model.Sequence) {
	if !c.Observing() {
		return
	}
	grids := map[bool][]float32{}
	for _, t := range p.Images {
		g, merge := m.grid(t), m.cfg.Vision.Merge
		video := t.Clip != nil
		grids[video] = append(grids[video], float32(len(t.Views.Sizes)), float32(g.H*merge), float32(g.W*merge))
	}
	for video, name := range map[bool]string{false: "image_grid_thw", true: "video_grid_thw"} {
		if list := grids[video]; list != nil {
			c.Observe(name, tensor.From(list, len(list)/3, 3))
		}
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
