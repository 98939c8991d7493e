// Package opt is the OPT decoder: learned positions, LayerNorm and a feed-forward
// part of two layers.
//
// OPT: Open Pre-trained Transformer Language Models, Zhang et al. 2022,
// https://arxiv.org/abs/2205.01068. Parameters are named as in Hugging Face
// checkpoints of OPTForCausalLM.
package opt

import (
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is an OPT language model.
type Model struct {
	EmbedTokens    *nn.Embedding `ckpt:"model.decoder.embed_tokens"`
	EmbedPositions *nn.Embedding `ckpt:"model.decoder.embed_positions"`
	ProjectIn      *nn.Linear    `ckpt:"model.decoder.project_in"` // from the embeddings' width; nil where it is that of the blocks
	Blocks         []*Block      `ckpt:"model.decoder.layers"`
	Norm           *nn.LayerNorm `ckpt:"model.decoder.final_layer_norm"` // nil where blocks end with one
	ProjectOut     *nn.Linear    `ckpt:"model.decoder.project_out"`
	LMHead         *nn.Linear    `ckpt:"lm_head"` // nil when the embedding table serves

	recompute bool // keep only the blocks' inputs while training
	cfg       Config
}

// Block is one layer.
type Block struct {
	Norm1 *nn.LayerNorm `ckpt:"self_attn_layer_norm"`
	Q     *nn.Linear    `ckpt:"self_attn.q_proj"`
	K     *nn.Linear    `ckpt:"self_attn.k_proj"`
	V     *nn.Linear    `ckpt:"self_attn.v_proj"`
	Out   *nn.Linear    `ckpt:"self_attn.out_proj"`
	Norm2 *nn.LayerNorm `ckpt:"final_layer_norm"`
	FC1   *nn.Linear    `ckpt:"fc1"`
	FC2   *nn.Linear    `ckpt:"fc2"`
}

const (
	normEps        = 1e-5 // no config.json tells it
	positionOffset = 2    // rows of the table of positions that are none
)

// New declares the model that a checked config describes.
func New(cfg Config) *Model {
	d := cfg.HiddenSize
	m := &Model{
		EmbedTokens:    nn.NewEmbedding(cfg.VocabSize, cfg.EmbedSize),
		EmbedPositions: nn.NewEmbedding(cfg.MaxPositionEmbeddings+positionOffset, d),
		cfg:            cfg,
	}
	if cfg.EmbedSize != d {
		m.ProjectIn, m.ProjectOut = nn.NewLinear(cfg.EmbedSize, d, false), nn.NewLinear(d, cfg.EmbedSize, false)
	}
	if cfg.NormBefore && !cfg.NoFinalNorm {
		m.Norm = nn.NewLayerNorm(d, normEps)
	}
	if !cfg.TieWordEmbeddings {
		m.LMHead = nn.NewLinear(cfg.EmbedSize, cfg.VocabSize, false)
	}
	for range cfg.NumHiddenLayers {
		m.Blocks = append(m.Blocks, &Block{
			Norm1: nn.NewLayerNorm(d, normEps), Norm2: nn.NewLayerNorm(d, normEps),
			Q: nn.NewLinear(d, d, cfg.Bias), K: nn.NewLinear(d, d, cfg.Bias), V: nn.NewLinear(d, d, cfg.Bias), Out: nn.NewLinear(d, d, cfg.Bias),
			FC1: nn.NewLinear(d, cfg.Inner, cfg.Bias), FC2: nn.NewLinear(cfg.Inner, d, cfg.Bias),
		})
	}
	return m
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// SetRecompute implements model.Recomputer.
func (m *Model) SetRecompute(on bool) { m.recompute = on }

// NewCache makes room for capacity tokens.
func (m *Model) NewCache(capacity int) *model.KVCache {
	return model.NewKVCache(len(m.Blocks), capacity, m.cfg.HiddenSize)
}

// Context is the most tokens a sequence may have.
func (m *Model) Context() int { return m.cfg.MaxPositionEmbeddings }

// Embed looks tokens up, without positions: [len(ids), EmbedSize].
func (m *Model) Embed(c *tensor.Ctx, ids []int32) *tensor.Tensor {
	return m.EmbedTokens.Forward(c, ids)
}

// Vocab is the number of logits.
func (m *Model) Vocab() int { return m.cfg.VocabSize }

// Logits returns [rows, vocabulary] for final hidden states.
func (m *Model) Logits(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	if m.LMHead != nil {
		return m.LMHead.Forward(c, h)
	}
	return m.EmbedTokens.Unembed(c, h)
}

// Forward runs packed sequences through all blocks: [tokens, EmbedSize].
func (m *Model) Forward(c *tensor.Ctx, s *model.Sequence) *tensor.Tensor {
	x := m.enter(c, s)
	c.Observe("lm.hidden.0", x)
	a := s.Attend(m.cfg.NumAttentionHeads, m.cfg.NumAttentionHeads, 0)
	for i, b := range m.Blocks {
		a.Layer(i)
		x = model.Block(c, m.recompute, x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return m.block(c, x, b, &a.Self) })
		if c.Observing() && i < len(m.Blocks)-1 {
			c.Observe("lm.hidden."+strconv.Itoa(i+1), x)
		}
	}
	if m.Norm != nil {
		x = m.Norm.Forward(c, x)
	}
	if m.ProjectOut != nil {
		x = m.ProjectOut.Forward(c, x)
	}
	if c.Observing() {
		c.Observe("lm.hidden."+strconv.Itoa(len(m.Blocks)), x)
	}
	return x
}

// enter brings embeddings to the width of the blocks and adds positions.
func (m *Model) enter(c *tensor.Ctx, s *model.Sequence) *tensor.Tensor {
	x, at := s.X, s.Places()
	if m.ProjectIn != nil {
		x = m.ProjectIn.Forward(c, x)
	}
	for i := range at {
		at[i] += positionOffset
	}
	return ops.AddRows(c, x, m.EmbedPositions.Weight, at)
}

// block is one layer, whose norms stand before its parts or behind them.
func (m *Model) block(c *tensor.Ctx, x *tensor.Tensor, b *Block, a *ops.Attn) *tensor.Tensor {
	part := func(x *tensor.Tensor, norm *nn.LayerNorm, f func(h *tensor.Tensor) *tensor.Tensor) *tensor.Tensor {
		if m.cfg.NormBefore {
			return ops.Add(c, x, f(norm.Forward(c, x)))
		}
		return norm.Forward(c, ops.Add(c, x, f(x)))
	}
	x = part(x, b.Norm1, func(h *tensor.Tensor) *tensor.Tensor {
		return b.Out.Forward(c, ops.Attention(c, b.Q.Forward(c, h), b.K.Forward(c, h), b.V.Forward(c, h), a))
	})
	return part(x, b.Norm2, func(h *tensor.Tensor) *tensor.Tensor {
		return b.FC2.Forward(c, ops.Activate(c, b.FC1.Forward(c, h), m.cfg.act))
	})
}
