// Package qwenvl is Qwen-VL and Qwen-VL-Chat: a picture, whatever its size, becomes
// a fixed number of tokens of the first Qwen.
//
// Qwen-VL, Bai et al. 2023, https://arxiv.org/abs/2308.12966. Parameters are named
// as in its authors' checkpoints of QWenLMHeadModel.
package qwenvl

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bigg"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/resampler"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is Qwen-VL.
type Model struct {
	Vision    *bigg.Vision         `ckpt:"transformer.visual"`
	Resampler *resampler.Resampler `ckpt:"transformer.visual"`

	// The parameters of Language under the names of Qwen's checkpoints.
	Embedding *nn.Embedding `ckpt:"transformer.wte"`
	Layers    []*layer      `ckpt:"transformer.h"`
	Norm      *nn.RMSNorm   `ckpt:"transformer.ln_f"`
	Head      *nn.Linear    `ckpt:"lm_head"` // nil when the embedding table serves
	Language  *llama.Model

	cfg Config
}

// layer gives the parameters of a block the names of Qwen's checkpoints.
type layer struct {
	InputNorm *nn.RMSNorm `ckpt:"ln_1"`
	QKV       *nn.Linear  `ckpt:"attn.c_attn"`
	O         *nn.Linear  `ckpt:"attn.c_proj"`
	PostNorm  *nn.RMSNorm `ckpt:"ln_2"`
	Up        *nn.Linear  `ckpt:"mlp.w1"`
	Gate      *nn.Linear  `ckpt:"mlp.w2"`
	Down      *nn.Linear  `ckpt:"mlp.c_proj"`
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	l := llama.New(cfg.Text)
	m := &Model{
		Vision: bigg.New(cfg.Vision), Resampler: resampler.New(cfg.Vision.HiddenSize, cfg.Queries, cfg.Text.HiddenSize),
		Embedding: l.EmbedTokens, Norm: l.Norm, Head: l.LMHead, Language: l,
		cfg: cfg,
	}
	for _, b := range l.Blocks {
		m.Layers = append(m.Layers, &layer{b.InputNorm, b.QKV, b.O, b.PostNorm, b.Up, b.Gate, b.Down})
	}
	return m, nil
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Decoder is the language model.
func (m *Model) Decoder() model.Decoder { return m.Language }

// Tokens is the number of placeholders that a picture takes.
func (m *Model) Tokens(*model.Tiles) int { return m.cfg.Queries }

// Embed looks up the tokens and puts every picture's features between its marks.
func (m *Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return model.EmbedAmong(c, m, p)
}

// Features returns the rows of all pictures that enter the language model.
func (m *Model) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	return m.Resampler.Adapt(c, m.Vision.Encode(c, model.ViewsOf(images)))
}
