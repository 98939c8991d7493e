package qwenvit

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// plan is the order of the patches of a batch of views.
type plan struct {
	group    int     // patches that become one token
	patches  []int32 // by order in the tower: number of the patch by lines, over all views
	at       []place // of each, in its view
	starts   []int   // first patch of each view, and the number of patches
	windowed []int32 // token by order in windows; without windows as it is
	windows  []int   // first patch of each window, and the number of patches
	grids    [][3]int
}

// place is a patch's line and column.
type place struct{ line, column int32 }

func (v *Vision) plan(views *model.Views) *plan {
	p := &plan{group: v.cfg.Merge * v.cfg.Merge, starts: []int{0}, windows: []int{0}}
	side := v.cfg.PatchSize * v.cfg.Merge
	for i, s := range views.Sizes {
		if n := views.Depth(i); v.cfg.Frames%n != 0 {
			panic(fmt.Sprintf("qwenvit: view of %d frames, and patches span %d", n, v.cfg.Frames))
		}
		if s.X%side != 0 || s.Y%side != 0 || s.X < side || s.Y < side {
			panic(fmt.Sprintf("qwenvit: view of %d×%d pixels, want multiples of %d", s.X, s.Y, side))
		}
		g := v.Tokens(s.X, s.Y)
		window := g // all of it
		if v.cfg.Window > 0 {
			n := v.cfg.Window / v.cfg.Merge / v.cfg.PatchSize
			window = ops.Grid{H: n, W: n}
		}
		p.window(g, window)
		p.add(g, v.cfg.Merge)
	}
	return p
}

// add appends the patches of a view of g tokens.
func (p *plan) add(g ops.Grid, merge int) {
	first, width := int32(len(p.patches)), g.W*merge
	for i := range g.Len() * p.group {
		token, within := i/p.group, i%p.group
		line, column := token/g.W*merge+within/merge, token%g.W*merge+within%merge
		p.patches = append(p.patches, first+int32(line*width+column))
		p.at = append(p.at, place{int32(line), int32(column)})
	}
	p.starts = append(p.starts, len(p.patches))
	p.grids = append(p.grids, [3]int{1, g.H * merge, g.W * merge})
}

// window appends the tokens of a view window by window; those at the right and
// bottom may be smaller and, as the reference counts them, empty.
func (p *plan) window(g, size ops.Grid) {
	first := int32(len(p.windowed))
	for top := 0; top <= g.H; top += size.H {
		for left := 0; left <= g.W; left += size.W {
			for y := top; y < min(top+size.H, g.H); y++ {
				for x := left; x < min(left+size.W, g.W); x++ {
					p.windowed = append(p.windowed, first+int32(y*g.W+x))
				}
			}
			p.windows = append(p.windows, len(p.windowed)*p.group)
		}
	}
}

// rows are the patches of tokens in the given order.
func (p *plan) rows(tokens []int32) []int32 {
	out := make([]int32, 0, len(tokens)*p.group)
	for _, t := range tokens {
		for i := range p.group {
			out = append(out, t*int32(p.group)+int32(i))
		}
	}
	return out
}

// observe reports the order as the reference computes it.
func (p *plan) observe(c *tensor.Ctx) {
	if !c.Observing() {
		return
	}
	c.Observe("visual.window_index", numbers(p.windowed))
	c.Observe("visual.cu_window_seqlens", numbers(p.windows))
}

func numbers[E int | int32](list []E) *tensor.Tensor {
	t := tensor.New(len(list))
	for i, n := range list {
		t.F32[i] = float32(n)
	}
	return t
}
