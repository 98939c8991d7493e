// Package clip is CLIP: a vision transformer and a text transformer that put
// pictures and texts into one space.
//
// Learning Transferable Visual Models From Natural Language Supervision,
// Radford et al. 2021, https://arxiv.org/abs/2103.00020. Parameters are named
// as in Hugging Face checkpoints of CLIPModel and CLIPVisionModel.
package clip

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

// Vision is the picture tower.
type Vision struct {
	Class    *tensor.Tensor `ckpt:"embeddings.class_embedding"`
	Patch    *tensor.Tensor `ckpt:"embeddings.patch_embedding.weight"` // [width, 3·patch·patch]
	Position *tensor.Tensor `ckpt:"embeddings.position_embedding.weight"`
	PreNorm  *nn.LayerNorm  `ckpt:"pre_layrnorm"` // the checkpoints' own spelling
	Blocks   []*Block       `ckpt:"encoder.layers"`
	PostNorm *nn.LayerNorm  `ckpt:"post_layernorm"` // nil if the checkpoint ends with the last feature layer

	cfg TowerConfig
	out Output
}

// Output says which of the tower's hidden states are its features.
type Output struct {
	Layers    []int  // hidden states by number, 0 being the embedding; several are joined on channels
	DropClass bool   // leave out the class token's row
	Stage     string // prefix under which hidden states are observed, such as "vision."
}

// NewVision declares a tower. An empty list of layers means the last one.
func NewVision(cfg TowerConfig, out Output) (*Vision, error) {
	if out.Layers == nil {
		out.Layers = []int{cfg.NumHiddenLayers}
	}
	out.Layers = slices.Clone(out.Layers)
	for i, l := range out.Layers {
		if l < 0 { // as in Python, from the end
			out.Layers[i] = cfg.NumHiddenLayers + 1 + l
		}
		if out.Layers[i] < 0 || out.Layers[i] > cfg.NumHiddenLayers {
			return nil, fmt.Errorf("clip: feature layer %d of a tower with %d layers", l, cfg.NumHiddenLayers)
		}
	}
	d, g := cfg.HiddenSize, cfg.Grid()
	return &Vision{
		Class:    tensor.Declare(d),
		Patch:    tensor.Declare(d, 3*cfg.PatchSize*cfg.PatchSize),
		Position: tensor.Declare(g*g+1, d),
		PreNorm:  nn.NewLayerNorm(d, cfg.LayerNormEps),
		Blocks:   newBlocks(cfg),
		PostNorm: nn.NewLayerNorm(d, cfg.LayerNormEps),
		cfg:      cfg, out: out,
	}, nil
}

// Config returns the tower's configuration.
func (v *Vision) Config() TowerConfig { return v.cfg }

// Width is that of a feature.
func (v *Vision) Width() int { return v.cfg.HiddenSize * len(v.out.Layers) }

// Rows is the number of features of a view.
func (v *Vision) Rows() int {
	n := v.cfg.Grid() * v.cfg.Grid()
	if !v.out.DropClass {
		n++
	}
	return n
}

// Depth is the number of blocks that Encode runs.
func (v *Vision) Depth() int { return slices.Max(v.out.Layers) }

// Encode returns the selected hidden states of every view. Blocks behind the
// last selected layer are not run.
func (v *Vision) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	states := v.hidden(c, views, v.Depth())
	parts := make([]*tensor.Tensor, len(v.out.Layers))
	for i, l := range v.out.Layers {
		parts[i] = states[l]
		if v.out.DropClass {
			parts[i] = ops.Gather(c, v.patchRows(len(views.Sizes)), states[l])
		}
	}
	f := &model.Features{X: parts[0]}
	if len(parts) > 1 {
		f.X = ops.Join(c, parts...)
	}
	for i := range len(views.Sizes) + 1 {
		f.Starts = append(f.Starts, i*v.Rows())
	}
	return f
}

// Skips reports whether Encode leaves out a stage because it lies behind the
// last selected layer.
func (v *Vision) Skips(stage string) bool {
	name, ok := strings.CutPrefix(stage, v.out.Stage)
	last := v.Depth()
	switch {
	case !ok:
		return false
	case name == "pooler_output":
		return true
	case name == "last_hidden_state":
		return last < v.cfg.NumHiddenLayers || v.PostNorm == nil
	}
	number, ok := strings.CutPrefix(name, "hidden.")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n > last && (n <= v.cfg.NumHiddenLayers || v.PostNorm == nil)
}

// Pool returns the normalised class token of the last layer: [views, width].
func (v *Vision) Pool(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	last := v.cfg.NumHiddenLayers
	x := v.hidden(c, views, last)[last]
	rows := make([]int32, len(views.Sizes))
	for i := range rows {
		rows[i] = int32(i * (v.cfg.Grid()*v.cfg.Grid() + 1))
	}
	x = v.PostNorm.Forward(c, ops.Gather(c, rows, x))
	c.Observe(v.out.Stage+"pooler_output", x)
	return x
}

// hidden runs the first n blocks and returns all hidden states, each [views·(patches+1), width].
func (v *Vision) hidden(c *tensor.Ctx, views *model.Views, n int) []*tensor.Tensor {
	x := v.PreNorm.Forward(c, v.embed(c, views))
	attn := &ops.Attn{Heads: v.cfg.NumHeads, KVHeads: v.cfg.NumHeads, Starts: make([]int, len(views.Sizes)+1)}
	for i := range attn.Starts {
		attn.Starts[i] = i * v.Position.Shape[0]
	}
	states := []*tensor.Tensor{x}
	c.Observe(v.out.Stage+"hidden.0", x)
	for i, b := range v.Blocks[:n] {
		x = c.Block(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, attn) })
		states = append(states, x)
		if c.Observing() {
			c.Observe(v.out.Stage+"hidden."+strconv.Itoa(i+1), x)
		}
	}
	if n == len(v.Blocks) && v.PostNorm != nil && c.Observing() {
		c.Observe(v.out.Stage+"last_hidden_state", x)
	}
	return states
}

// embed puts the class token before the patches of every view and adds positions.
func (v *Vision) embed(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	n, side := len(views.Sizes), v.cfg.ImageSize
	for _, s := range views.Sizes {
		if s.X != side || s.Y != side {
			panic(fmt.Sprintf("clip: view of %d×%d pixels, want %d×%d", s.X, s.Y, side, side))
		}
	}
	pixels := tensor.From(views.Pixels, n, 3, side, side)
	patches := ops.Linear(c, ops.Patches(c, pixels, v.cfg.PatchSize), v.Patch, nil)
	per := v.Position.Shape[0]
	rows, pos := make([]int32, n*per), make([]int32, n*per)
	for i := range rows {
		view, p := i/per, i%per
		pos[i] = int32(p)
		if p > 0 {
			rows[i] = int32(1 + view*(per-1) + p - 1) // row 0 of the source is the class token
		}
	}
	x := ops.Gather(c, rows, c.View(v.Class, 1, v.Class.Len()), patches)
	return ops.AddRows(c, x, v.Position, pos)
}

// patchRows are the rows of all views but the class tokens.
func (v *Vision) patchRows(views int) []int32 {
	per := v.Position.Shape[0]
	rows := make([]int32, 0, views*(per-1))
	for i := range views {
		for p := 1; p < per; p++ {
			rows = append(rows, int32(i*per+p))
		}
	}
	return rows
}
