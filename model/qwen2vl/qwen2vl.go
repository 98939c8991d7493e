// Package qwen2vl is Qwen2-VL, Qwen2.5-VL and Qwen3-VL: pictures of any size, whose
// tokens have positions in height and width among those of a Qwen2 or Qwen3
// language model.
//
// Qwen2-VL, Wang et al. 2024, https://arxiv.org/abs/2409.12191; Qwen2.5-VL
// Technical Report, Bai et al. 2025, https://arxiv.org/abs/2502.13923; Qwen3-VL
// Technical Report, Bai et al. 2025, https://arxiv.org/abs/2511.21631. Parameters
// are named as in Hugging Face checkpoints.
package qwen2vl

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/merger"
	"github.com/fovea-ml/fovea/model/qwenvit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is Qwen2-VL, Qwen2.5-VL or Qwen3-VL.
type Model struct {
	Parameters any `ckpt:""` // all of them, under the names of the checkpoints

	Vision   *qwenvit.Vision
	Merger   model.Adapter
	Language *llama.Model

	deep *merger.Deep // Merger, where earlier features enter the language model too; nil: none do
	cfg  Config
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	v := cfg.Vision
	m := &Model{Vision: qwenvit.New(v), Language: llama.New(cfg.Text), cfg: cfg}
	if v.Third() {
		m.deep = merger.NewDeep(v.Width, v.Merge*v.Merge, v.Out, len(v.Deep))
		m.Merger, m.Parameters = m.deep, third(m)
		return m, nil
	}
	m.Merger = merger.New(qwenvit.NewNorm(v), v.Width, v.Merge*v.Merge, v.Out)
	m.Parameters = &struct {
		Vision   *qwenvit.Vision `ckpt:"visual"`
		Merger   model.Adapter   `ckpt:"visual.merger"`
		Language *llama.Model    `ckpt:""`
	}{m.Vision, m.Merger, m.Language}
	return m, nil
}

// third gives the parameters the names of Qwen3-VL's checkpoints.
func third(m *Model) any {
	l := m.Language
	return &struct {
		Vision    *qwenvit.Vision `ckpt:"model.visual"`
		Merger    *merger.Deep    `ckpt:"model.visual"`
		Embedding *nn.Embedding   `ckpt:"model.language_model.embed_tokens"`
		Blocks    []*llama.Block  `ckpt:"model.language_model.layers"`
		Norm      *nn.RMSNorm     `ckpt:"model.language_model.norm"`
		Head      *nn.Linear      `ckpt:"lm_head"`
	}{m.Vision, m.deep, l.EmbedTokens, l.Blocks, l.Norm, l.LMHead}
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Decoder is the language model.
func (m *Model) Decoder() model.Decoder { return m.Language }

// Tokens is the number of placeholders that a picture or a video takes.
func (m *Model) Tokens(t *model.Tiles) int { return len(t.Views.Sizes) * m.grid(t).Len() }

// grid is the size of a picture, or of each view of a video, in tokens.
func (m *Model) grid(t *model.Tiles) ops.Grid {
	s := t.Views.Sizes[0]
	return m.Vision.Tokens(s.X, s.Y)
}

// Embed looks up the tokens, puts every picture's features over its
// placeholders, and tells the positions.
func (m *Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	ids, rows := p.Splice(m.Tokens)
	s := &model.Sequence{X: m.Language.Embed(c, ids), Starts: p.Starts, Branches: p.Branches}
	if len(p.Images) == 0 {
		return s
	}
	seen := m.see(c, model.ViewsOf(p.Images))
	s.X = ops.Gather(c, rows, s.X, seen[0])
	if m.deep != nil {
		s.Deep = m.among(c, rows, len(ids), seen[1:])
	}
	s.Positions = m.positions(p)
	m.observe(c, p, s)
	return s
}

// among puts features in the rows of their placeholders, and zeros in those of
// the tokens, of which there are n.
func (m *Model) among(c *tensor.Ctx, rows []int32, n int, features []*tensor.Tensor) []*tensor.Tensor {
	none := c.New([]int{1, m.cfg.Text.HiddenSize})
	clear(none.F32)
	at := make([]int32, len(rows))
	for i, row := range rows {
		at[i] = max(0, row-int32(n)+1) // row 0 is none
	}
	out := make([]*tensor.Tensor, len(features))
	for i, f := range features {
		out[i] = ops.Gather(c, at, none, f)
	}
	return out
}

// Features returns the rows of all pictures that enter the language model.
func (m *Model) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	return m.see(c, model.ViewsOf(images))[0]
}
