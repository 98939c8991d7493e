// Package vit is what vision transformers share: the patch embedding, the
// pre-norm block, and the choice of hidden states that are features. CLIP's,
// SigLIP's and DINOv2's towers are made of it.
//
// An Image is Worth 16x16 Words, Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929.
package vit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Tower is an encoder over square views of one size.
type Tower interface {
	model.Encoder
	Config() Config
	Rows() int               // features of a view
	Depth() int              // blocks that Encode runs
	Skips(stage string) bool // whether Encode leaves a stage out
}

// Output says which of a tower's hidden states are its features.
type Output struct {
	Layers    []int  // hidden states by number, 0 being the embedding and negative ones from the end; several are joined on channels
	DropClass bool   // leave out the class token's row
	Norm      bool   // put them, of which there is one, through the tower's last norm
	Across    int    // views of a picture: a row attends to the same one of them, and not to its own view's; 0: as towers do
	Stage     string // prefix under which hidden states are observed, such as "vision."
}

// Trunk is the blocks of a tower, with the choice of its features.
type Trunk struct {
	Blocks []*Block `ckpt:"encoder.layers"`

	// Embed makes the rows of views that enter the blocks; the tower's own.
	Embed func(c *tensor.Ctx, v *model.Views) *tensor.Tensor
	// Bare: the reference's last_hidden_state is the last block's as it is.
	Bare bool
	// Final is the tower's last norm, for features that go through it.
	Final *nn.LayerNorm
	// Recompute: keep only the blocks' inputs while training.
	Recompute bool

	cfg   Config
	out   Output
	class bool
}

// NewTrunk declares the blocks of a checked config. An empty list of layers
// means the last one. class says that every view begins with a class token.
func NewTrunk(cfg Config, out Output, class bool) (Trunk, error) {
	if out.Layers == nil {
		out.Layers = []int{cfg.NumHiddenLayers}
	}
	out.Layers = slices.Clone(out.Layers)
	for i, l := range out.Layers {
		if l < 0 {
			out.Layers[i] = cfg.NumHiddenLayers + 1 + l
		}
		if out.Layers[i] < 0 || out.Layers[i] > cfg.NumHiddenLayers {
			return Trunk{}, fmt.Errorf("feature layer %d of a tower with %d layers", l, cfg.NumHiddenLayers)
		}
	}
	if out.Norm && len(out.Layers) != 1 {
		return Trunk{}, fmt.Errorf("feature layers %v are to go through the last norm, which is that of one", out.Layers)
	}
	if out.DropClass && !class {
		return Trunk{}, fmt.Errorf("the tower has no class token that could be left out of its features")
	}
	return Trunk{Blocks: NewBlocks(cfg), cfg: cfg, out: out, class: class}, nil
}

// Config returns the tower's configuration.
func (t *Trunk) Config() Config { return t.cfg }

// SetRecompute implements model.Recomputer.
func (t *Trunk) SetRecompute(on bool) { t.Recompute = on }

// Width is that of a feature.
func (t *Trunk) Width() int { return t.cfg.HiddenSize * len(t.out.Layers) }

// Rows is the number of features of a view of the configured size.
func (t *Trunk) Rows() int {
	n := t.cfg.Grid() * t.cfg.Grid()
	if t.class && !t.out.DropClass {
		n++
	}
	return n
}

// Depth is the number of blocks up to the last feature layer; those behind it are not run.
func (t *Trunk) Depth() int { return slices.Max(t.out.Layers) }

// Encode returns the selected hidden states of every view. Blocks behind the
// last selected layer are not run.
func (t *Trunk) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	return t.features(c, t.hidden(c, views, t.Depth()), len(views.Sizes))
}

// MLP is the feed-forward part of the first block.
func (t *Trunk) MLP() nn.Layer { return t.Blocks[0].MLP }

// Last returns the last hidden state: [rows of all views, width].
func (t *Trunk) Last(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	return t.hidden(c, views, len(t.Blocks))[len(t.Blocks)]
}

// hidden runs the first n blocks and returns the hidden states of feature layers and
// the last; the embedding is number 0. The others are nil.
func (t *Trunk) hidden(c *tensor.Ctx, views *model.Views, n int) []*tensor.Tensor {
	x := t.Embed(c, views)
	per := x.Rows() / len(views.Sizes)
	attn := &ops.Attn{Heads: t.cfg.NumHeads, KVHeads: t.cfg.NumHeads, Starts: starts(len(views.Sizes), per)}
	if t.out.Across > 0 {
		x = ops.Gather(c, t.turned(len(views.Sizes), per, false), x)
		attn.Starts = starts(x.Rows()/t.out.Across, t.out.Across)
	}
	states := make([]*tensor.Tensor, n+1)
	c.Observe(t.out.Stage+"hidden.0", x)
	for i, b := range t.Blocks[:n] {
		run := c.Replace
		if slices.Contains(t.out.Layers, i) {
			states[i], run = x, c.Block
		}
		if t.Recompute && c.Train {
			run = c.Recompute
		}
		x = run(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.Forward(c, x, attn) })
		if c.Observing() {
			c.Observe(t.out.Stage+"hidden."+strconv.Itoa(i+1), x)
		}
	}
	if t.Bare && n == len(t.Blocks) {
		c.Observe(t.out.Stage+"last_hidden_state", x)
	}
	states[n] = x
	return states
}

// features takes the feature layers out of all hidden states, joined on channels.
func (t *Trunk) features(c *tensor.Ctx, states []*tensor.Tensor, views int) *model.Features {
	rows := states[len(states)-1].Rows() / views
	parts := make([]*tensor.Tensor, len(t.out.Layers))
	for i, l := range t.out.Layers {
		parts[i] = states[l]
		if t.out.Across > 0 {
			parts[i] = ops.Gather(c, t.turned(views, rows, true), parts[i])
		}
		if t.out.DropClass {
			parts[i] = ops.Gather(c, behindClass(views, rows), parts[i])
		}
	}
	if t.out.DropClass {
		rows--
	}
	f := &model.Features{X: parts[0], Starts: starts(views, rows)}
	if len(parts) > 1 {
		f.X = ops.Join(c, parts...)
	}
	if t.out.Norm {
		f.X = t.Final.Forward(c, f.X)
	}
	return f
}

// turned says for each row, where the views of a picture stand row by row, which one it
// is where they stand one after another; back says the opposite.
func (t *Trunk) turned(views, rows int, back bool) []int32 {
	n := t.out.Across
	idx := make([]int32, views*rows)
	for v := range views {
		first, within := v/n*n*rows, v%n
		for r := range rows {
			apart, together := first+r*n+within, v*rows+r
			if back {
				apart, together = together, apart
			}
			idx[apart] = int32(together)
		}
	}
	return idx
}

// ClassRows gathers the class token of every view from one hidden state: [views, width].
func (t *Trunk) ClassRows(c *tensor.Ctx, x *tensor.Tensor, views int) *tensor.Tensor {
	rows := make([]int32, views)
	for i := range rows {
		rows[i] = int32(i * (x.Rows() / views))
	}
	return ops.Gather(c, rows, x)
}

// Skips reports whether Encode does without a stage: the hidden states behind
// the last feature layer, and what is made of the last one.
func (t *Trunk) Skips(stage string) bool {
	name, ok := strings.CutPrefix(stage, t.out.Stage)
	n, hidden := hiddenNumber(name)
	whole := t.Bare && t.Depth() == len(t.Blocks)
	return ok && (name == "pooler_output" || name == "last_hidden_state" && !whole || hidden && n > t.Depth() && n <= t.cfg.NumHiddenLayers)
}

// Behind reports whether a stage is a hidden state behind the last feature
// layer, of whatever number: the checkpoint may have had more than are left.
func (t *Trunk) Behind(stage string) bool {
	name, ok := strings.CutPrefix(stage, t.out.Stage)
	n, hidden := hiddenNumber(name)
	return ok && hidden && n > t.Depth()
}

// Stage is the full name of one of the tower's stages.
func (t *Trunk) Stage(name string) string { return t.out.Stage + name }

func hiddenNumber(name string) (n int, ok bool) {
	number, ok := strings.CutPrefix(name, "hidden.")
	n, err := strconv.Atoi(number)
	return n, ok && err == nil
}

// starts are the bounds of views of equally many rows.
func starts(views, rows int) []int {
	s := make([]int, views+1)
	for i := range s {
		s[i] = i * rows
	}
	return s
}

// behindClass are the rows of all views but the class tokens.
func behindClass(views, rows int) []int32 {
	idx := make([]int32, 0, views*(rows-1))
	for i := range views {
		for p := 1; p < rows; p++ {
			idx = append(idx, int32(i*rows+p))
		}
	}
	return idx
}
