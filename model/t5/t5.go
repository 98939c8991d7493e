// Package t5 is T5 and T5 1.1, an encoder and a decoder that reads what it made:
// RMSNorm before each part, and positions as biases of attention by distance.
//
// Exploring the Limits of Transfer Learning with a Unified Text-to-Text
// Transformer, Raffel et al. 2019, https://arxiv.org/abs/1910.10683. Parameters are
// named as in Hugging Face checkpoints of T5ForConditionalGeneration.
package t5

import (
	"math"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is a T5 language model. As a model.Decoder it is the half that writes.
type Model struct {
	Shared  *nn.Embedding `ckpt:"shared"`
	Encoder *Encoder      `ckpt:"encoder"`
	Writer  *Decoder      `ckpt:"decoder"`
	LMHead  *nn.Linear    `ckpt:"lm_head"` // nil when the embedding table serves

	cfg Config
}

// New declares the model that a checked config describes.
func New(cfg Config) *Model {
	m := &Model{Shared: nn.NewEmbedding(cfg.VocabSize, cfg.Width), Encoder: newEncoder(&cfg), Writer: newDecoder(&cfg), cfg: cfg}
	if !cfg.Tied() {
		m.LMHead = nn.NewLinear(cfg.Width, cfg.VocabSize, false)
	}
	return m
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// SetRecompute implements model.Recomputer, for both halves.
func (m *Model) SetRecompute(on bool) { m.Encoder.recompute, m.Writer.recompute = on, on }

// Context is the most tokens that the decoder may have read.
func (m *Model) Context() int { return m.cfg.Positions }

// Vocab is the number of logits.
func (m *Model) Vocab() int { return m.cfg.VocabSize }

// NewCache makes room for capacity tokens of the decoder.
func (m *Model) NewCache(capacity int) *model.KVCache {
	return model.NewCrossCache(len(m.Writer.Blocks), capacity, m.cfg.NumHeads*m.cfg.HeadWidth)
}

// Embed looks tokens up, for either half: [len(ids), width].
func (m *Model) Embed(c *tensor.Ctx, ids []int32) *tensor.Tensor { return m.Shared.Forward(c, ids) }

// Sequence is what the decoder reads of a prompt whose tokens have the embeddings
// x, which are encoded; a prompt that goes on has none.
func (m *Model) Sequence(c *tensor.Ctx, p *model.Prompt, x *tensor.Tensor) *model.Sequence {
	s := &model.Sequence{X: m.Embed(c, p.Reads()), Starts: p.DecoderStarts}
	if p.DecoderIDs == nil {
		s.Starts = p.Starts
	}
	if p.Remembers() {
		s.Memory, s.MemoryStarts = m.Encoder.Encode(c, x, p.Starts), p.Starts
	}
	return s
}

// Forward runs packed sequences through the decoder's blocks and final norm.
func (m *Model) Forward(c *tensor.Ctx, s *model.Sequence) *tensor.Tensor {
	return m.Writer.forward(c, s, m.cfg.Width)
}

// Logits returns [rows, vocabulary] for final hidden states.
func (m *Model) Logits(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	if m.LMHead != nil {
		return m.LMHead.Forward(c, h)
	}
	return m.Shared.Unembed(c, ops.Scale(c, h, float32(1/math.Sqrt(float64(m.cfg.Width)))))
}
