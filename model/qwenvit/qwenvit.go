// Package qwenvit is the picture tower of Qwen2-VL, Qwen2.5-VL and Qwen3-VL: a
// vision transformer over pictures of any size, with rotary positions in height
// and width; in Qwen2.5-VL most blocks attend within windows; in Qwen3-VL there is
// a table of positions too, and what some blocks see is kept.
//
// Qwen2-VL, Wang et al. 2024, https://arxiv.org/abs/2409.12191; Qwen2.5-VL
// Technical Report, Bai et al. 2025, https://arxiv.org/abs/2502.13923; Qwen3-VL
// Technical Report, Bai et al. 2025, https://arxiv.org/abs/2511.21631. Parameters
// are named as in Hugging Face checkpoints, below visual.
//
// Patches are not in the order of lines: those of a square that the merger turns
// into one token follow each other.
package qwenvit

import (
	"slices"
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Vision is the tower.
type Vision struct {
	Patch    *nn.Linear    `ckpt:"patch_embed.proj"` // from 3·frames·patch·patch values
	Position *nn.Embedding `ckpt:"pos_embed"`        // of a square grid, line by line; nil: none
	Blocks   []*Block      `ckpt:"blocks"`

	cfg       Config
	recompute bool // keep only the blocks' inputs while training
}

// New declares the tower of a checked config.
func New(cfg Config) *Vision {
	v := &Vision{Patch: nn.NewKernel(cfg.Width, cfg.Third(), 3, cfg.Frames, cfg.PatchSize, cfg.PatchSize), cfg: cfg}
	if n := cfg.Positions; n > 0 {
		v.Position = nn.NewEmbedding(n*n, cfg.Width)
	}
	for range cfg.Depth {
		v.Blocks = append(v.Blocks, newBlock(cfg))
	}
	return v
}

// Config returns the tower's configuration.
func (v *Vision) Config() Config { return v.cfg }

// SetRecompute implements model.Recomputer.
func (v *Vision) SetRecompute(on bool) { v.recompute = on }

// Width is that of a feature.
func (v *Vision) Width() int { return v.cfg.Width }

// Tokens is the size of a view in tokens, across and down: its sides must be
// multiples of the squares that are merged.
func (v *Vision) Tokens(w, h int) ops.Grid {
	side := v.cfg.PatchSize * v.cfg.Merge
	return ops.Grid{H: h / side, W: w / side}
}

// Encode returns the features of all patches, those of a token together. Views
// may differ in size.
func (v *Vision) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	p := v.plan(views)
	x := v.Patch.Forward(c, v.patches(c, views, p))
	c.Observe("visual.patch_embed", x)
	p.observe(c)
	if v.Position != nil {
		x = ops.Add(c, x, v.positions(c, p))
	}
	if v.cfg.Window > 0 {
		x = ops.Gather(c, p.rows(p.windowed), x)
	}
	angles, windows := v.angles(p), slices.Compact(slices.Clone(p.windows))
	f := &model.Features{Starts: p.starts}
	for i, b := range v.Blocks {
		a := &ops.Attn{Heads: v.cfg.Heads, KVHeads: v.cfg.Heads, Starts: p.starts}
		if v.windowed(i) {
			a.Starts = windows
		}
		run := c.Replace
		if slices.Contains(v.cfg.Deep, i-1) { // what goes in is among the features
			f.Deep, run = append(f.Deep, x), c.Block
		}
		if v.recompute && c.Train {
			run = c.Recompute
		}
		x = run(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, a, angles) })
		if c.Observing() {
			c.Observe("visual.block."+strconv.Itoa(i), x)
		}
	}
	if slices.Contains(v.cfg.Deep, len(v.Blocks)-1) {
		f.Deep = append(f.Deep, x)
	}
	if v.cfg.Window > 0 {
		x = ops.Gather(c, p.rows(inverse(p.windowed)), x)
	}
	f.X = x
	return f
}

// Pairs is how many pairs of patches attend to each other, over all blocks.
func (v *Vision) Pairs(views *model.Views) (n int) {
	p := v.plan(views)
	for i := range v.Blocks {
		starts := p.starts
		if v.windowed(i) {
			starts = p.windows
		}
		for j, from := range starts[:len(starts)-1] {
			n += (starts[j+1] - from) * (starts[j+1] - from)
		}
	}
	return n
}

// windowed reports whether a block attends within windows.
func (v *Vision) windowed(block int) bool {
	return v.cfg.Window > 0 && !slices.Contains(v.cfg.Full, block)
}

// positions are the rows of the table at the places of all patches, interpolated
// so that its corners are those of each view.
func (v *Vision) positions(c *tensor.Ctx, p *plan) *tensor.Tensor {
	var tables []*tensor.Tensor
	from := ops.Grid{H: v.cfg.Positions, W: v.cfg.Positions}
	for _, g := range p.grids {
		tables = append(tables, ops.Interpolate(c, v.Position.Weight, from, ops.Grid{H: g[1], W: g[2]}, ops.Corners2D))
	}
	return ops.Gather(c, p.patches, tables...)
}

// patches cuts all views into rows for the patch embedding. A still picture is
// every frame of its patches.
func (v *Vision) patches(c *tensor.Ctx, views *model.Views, p *plan) *tensor.Tensor {
	size := v.cfg.PatchSize
	var cut []*tensor.Tensor
	at, first := 0, 0 // pixel of the view, and row of its first patch
	rows := make([]int32, 0, len(p.patches)*3*v.cfg.Frames)
	for i, s := range views.Sizes {
		frames, own := views.Depth(i), p.starts[i+1]-p.starts[i]
		n := 3 * s.X * s.Y * frames
		y := ops.Patches(c, tensor.From(views.Pixels[at:at+n], frames, 3, s.Y, s.X), size)
		cut = append(cut, c.View(y, y.Rows()*3, size*size))
		for _, patch := range p.patches[p.starts[i]:p.starts[i+1]] {
			from := first + int(patch) - p.starts[i]
			for channel := range 3 {
				for frame := range v.cfg.Frames {
					rows = append(rows, int32(3*(from+frame%frames*own)+channel))
				}
			}
		}
		at += n
		first += own * frames
	}
	x := ops.Gather(c, rows, cut...)
	x = c.View(x, len(p.patches), 3*v.cfg.Frames*size*size)
	c.Observe("pixel_values", x)
	return x
}

// angles turns the first half of a head's pairs by the patch's line, the second by its column.
func (v *Vision) angles(p *plan) *ops.Rotary {
	head := v.cfg.Width / v.cfg.Heads
	line, column := make([]int32, len(p.patches)), make([]int32, len(p.patches))
	for i, from := range p.rows(p.windowed) {
		line[i], column[i] = p.at[from].line, p.at[from].column
	}
	return ops.Rotary2D(head, v.cfg.Base, line, column)
}

// inverse is the permutation that undoes another.
func inverse(order []int32) []int32 {
	out := make([]int32, len(order))
	for i, o := range order {
		out[o] = int32(i)
	}
	return out
}
