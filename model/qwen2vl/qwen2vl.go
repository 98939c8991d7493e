// Package qwen2vl is Qwen2-VL and Qwen2.5-VL: pictures of any size, whose tokens
// have positions in height and width among those of a Qwen2 language model.
//
// Qwen2-VL, Wang et al. 2024, https://arxiv.org/abs/2409.12191; Qwen2.5-VL
// Technical Report, Bai et al. 2025, https://arxiv.org/abs/2502.13923. Parameters
// are named as in Hugging Face checkpoints.
package qwen2vl

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/merger"
	"github.com/fovea-ml/fovea/model/qwenvit"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is Qwen2-VL or Qwen2.5-VL.
type Model struct {
	Vision   *qwenvit.Vision `ckpt:"visual"`
	Merger   *merger.Merger  `ckpt:"visual.merger"`
	Language *llama.Model    `ckpt:""`

	cfg Config
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	v := cfg.Vision
	return &Model{
		Vision:   qwenvit.New(v),
		Merger:   merger.New(qwenvit.NewNorm(v), v.Width, v.Merge*v.Merge, v.Out),
		Language: llama.New(cfg.Text),
		cfg:      cfg,
	}, nil
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Decoder is the language model.
func (m *Model) Decoder() model.Decoder { return m.Language }

// Tokens is the number of placeholders that a picture takes.
func (m *Model) Tokens(t *model.Tiles) int { return m.grid(t).Len() }

// grid is the size of a picture in tokens.
func (m *Model) grid(t *model.Tiles) ops.Grid {
	s := t.Views.Sizes[0]
	return m.Vision.Tokens(s.X, s.Y)
}

// Embed looks up the tokens, puts every picture's features over its
// placeholders, and tells the positions.
func (m *Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	ids, rows := p.Splice(m.Tokens)
	s := &model.Sequence{X: m.Language.Embed(c, ids), Starts: p.Starts, Branches: p.Branches}
	if len(p.Images) > 0 {
		s.X = ops.Gather(c, rows, s.X, m.Features(c, p.Images))
		s.Positions = m.positions(p)
		observe(c, s)
	}
	return s
}

// Features returns the rows of all pictures that enter the language model.
func (m *Model) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	x := m.Merger.Adapt(c, m.Vision.Encode(c, model.ViewsOf(images)))
	c.Observe("visual.out", x)
	return x
}
