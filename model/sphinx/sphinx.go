// Package sphinx is SPHINX, and every model that is made as it is: any ensemble of
// encoders sees a picture whole and in parts, an adapter for each of its groups
// makes tokens, and a language model reads those of all views among its text.
//
// SPHINX, Lin et al. 2023, https://arxiv.org/abs/2311.07575. Parameters have names
// of this repository's; package zoo knows those of the authors' checkpoints.
package sphinx

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/ensemble"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is the whole model.
type Model struct {
	Vision   *ensemble.Model `ckpt:"vision"`
	Adapters []model.Adapter `ckpt:"adapters"`   // one for each group of encoders
	Start    *tensor.Tensor  `ckpt:"view_start"` // [1, 1, width], before each view; nil with End where there is none
	End      *tensor.Tensor  `ckpt:"view_end"`   // the same behind it
	Language *llama.Model    `ckpt:"language_model"`

	cfg Config
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	vision, err := ensemble.New(cfg.Vision)
	if err != nil {
		return nil, err
	}
	m := &Model{Vision: vision, Language: llama.New(cfg.Text), cfg: cfg}
	width := cfg.Text.HiddenSize
	for _, g := range vision.Groups {
		m.Adapters = append(m.Adapters, cfg.Adapter.declare(g.Width(), width))
	}
	if cfg.ViewTokens {
		m.Start, m.End = tensor.Declare(1, 1, width), tensor.Declare(1, 1, width)
	}
	return m, nil
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Decoder is the language model.
func (m *Model) Decoder() model.Decoder { return m.Language }

// TokensPerImage is the number of placeholders that a picture takes.
func (m *Model) TokensPerImage() int {
	per := m.Vision.Rows()
	if m.Start != nil {
		per += 2
	}
	return m.Vision.Views() * per
}

// Tokens is the same of any picture.
func (m *Model) Tokens(*model.Tiles) int { return m.TokensPerImage() }

// Halved reports whether what the encoders see is interpolated in 16 bits.
func (m *Model) Halved() bool { return m.Vision.Halved() }

// Embed looks up the tokens and puts every picture's features over its placeholders.
func (m *Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return model.EmbedAmong(c, m, p)
}

// Features returns the rows of all pictures that enter the language model: of each
// view those of every group, between the rows that tell views apart.
func (m *Model) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	var tokens []*tensor.Tensor
	for i, f := range m.Vision.Encode(c, model.ViewsOf(images)) {
		tokens = append(tokens, m.Adapters[i].Adapt(c, f))
	}
	views := len(images) * m.Vision.Views()
	x := inTurns(c, tokens, views)
	c.Observe("visual_tokens", x)
	if m.Start == nil {
		return x
	}
	width := x.Cols()
	return inTurns(c, []*tensor.Tensor{
		repeat(c, m.Start, views, width), x, repeat(c, m.End, views, width),
	}, views)
}

// inTurns has, for each view, the rows of it that each of xs has.
func inTurns(c *tensor.Ctx, xs []*tensor.Tensor, views int) *tensor.Tensor {
	if len(xs) == 1 {
		return xs[0]
	}
	var rows []int32
	for v := range views {
		first := 0
		for _, x := range xs {
			per := x.Rows() / views
			for i := range per {
				rows = append(rows, int32(first+v*per+i))
			}
			first += x.Rows()
		}
	}
	return ops.Gather(c, rows, xs...)
}

// repeat is a row for each view.
func repeat(c *tensor.Ctx, row *tensor.Tensor, views, width int) *tensor.Tensor {
	return ops.Gather(c, make([]int32, views), c.View(row, 1, width))
}
