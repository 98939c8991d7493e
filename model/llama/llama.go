// Package llama is the Llama decoder: RMSNorm, rotary positions, grouped-query
// attention and a SwiGLU feed-forward block; and those of Qwen, Qwen2 and Qwen3,
// which differ in biases, in the norms of queries and keys, and in how long
// sequences are read.
//
// LLaMA: Open and Efficient Foundation Language Models, Touvron et al. 2023,
// https://arxiv.org/abs/2302.13971. Parameters are named as in Hugging Face
// checkpoints of LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM.
package llama

import (
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is a Llama or Qwen2 language model.
type Model struct {
	EmbedTokens *nn.Embedding `ckpt:"model.embed_tokens"`
	Blocks      []*Block      `ckpt:"model.layers"`
	Norm        *nn.RMSNorm   `ckpt:"model.norm"`
	LMHead      *nn.Linear    `ckpt:"lm_head"` // nil when the embedding table serves

	Recompute bool // keep only the blocks' inputs while training

	cfg  Config
	freq []float32
	axes []uint8 // of a position, by pair
}

// Block is one layer.
type Block struct {
	InputNorm *nn.RMSNorm `ckpt:"input_layernorm"`
	Q         *nn.Linear  `ckpt:"self_attn.q_proj"`
	K         *nn.Linear  `ckpt:"self_attn.k_proj"`
	V         *nn.Linear  `ckpt:"self_attn.v_proj"`
	QKV       *nn.Linear  `ckpt:"self_attn.qkv_proj"` // all three, then nil
	QNorm     *nn.RMSNorm `ckpt:"self_attn.q_norm"`   // of each head; nil: none
	KNorm     *nn.RMSNorm `ckpt:"self_attn.k_norm"`
	O         *nn.Linear  `ckpt:"self_attn.o_proj"`
	PostNorm  *nn.RMSNorm `ckpt:"post_attention_layernorm"`
	Gate      *nn.Linear  `ckpt:"mlp.gate_proj"`
	Up        *nn.Linear  `ckpt:"mlp.up_proj"`
	Down      *nn.Linear  `ckpt:"mlp.down_proj"`
}

// New declares the model that a checked config describes.
func New(cfg Config) *Model {
	d, f := cfg.HiddenSize, cfg.IntermediateSize
	m := &Model{
		EmbedTokens: nn.NewEmbedding(cfg.VocabSize, d),
		Norm:        nn.NewRMSNorm(d, cfg.RMSNormEps),
		cfg:         cfg,
		freq:        cfg.frequencies(0),
		axes:        cfg.axes(),
	}
	if !cfg.TieWordEmbeddings {
		m.LMHead = nn.NewLinear(d, cfg.VocabSize, false)
	}
	for range cfg.NumHiddenLayers {
		b := &Block{
			InputNorm: nn.NewRMSNorm(d, cfg.RMSNormEps),
			PostNorm:  nn.NewRMSNorm(d, cfg.RMSNormEps),
			O:         nn.NewLinear(cfg.NumAttentionHeads*cfg.HeadDim, d, cfg.AttentionBias),
			Gate:      nn.NewLinear(d, f, cfg.MLPBias),
			Up:        nn.NewLinear(d, f, cfg.MLPBias),
			Down:      nn.NewLinear(f, d, cfg.MLPBias),
		}
		b.project(cfg)
		m.Blocks = append(m.Blocks, b)
	}
	return m
}

// SetRecompute implements model.Recomputer.
func (m *Model) SetRecompute(on bool) { m.Recompute = on }

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Context is the most tokens a sequence may have.
func (m *Model) Context() int { return m.cfg.MaxPositionEmbeddings }

// Vocab is the number of logits.
func (m *Model) Vocab() int { return m.cfg.VocabSize }

// NewCache makes room for capacity tokens.
func (m *Model) NewCache(capacity int) *model.KVCache {
	return model.NewKVCache(len(m.Blocks), capacity, m.cfg.NumKeyValueHeads*m.cfg.HeadDim)
}

// Embed looks tokens up: [len(ids), hidden].
func (m *Model) Embed(c *tensor.Ctx, ids []int32) *tensor.Tensor {
	return m.EmbedTokens.Forward(c, ids)
}

// Logits returns [rows, vocabulary] for final hidden states.
func (m *Model) Logits(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	if m.LMHead == nil {
		return m.EmbedTokens.Unembed(c, h)
	}
	return m.LMHead.Forward(c, h)
}

// Forward runs packed sequences through all blocks and the final norm.
func (m *Model) Forward(c *tensor.Ctx, s *model.Sequence) *tensor.Tensor {
	p := m.begin(c, s)
	x := s.X
	c.Observe("lm.hidden.0", x)
	for i, b := range m.Blocks {
		p.layer(i, s)
		switch { // a literal each: one that Recompute keeps is allocated
		case m.Recompute && c.Train:
			x = c.Recompute(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, p) })
		case i == 0: // the embeddings are the caller's
			x = c.Block(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, p) })
		default:
			x = c.Replace(x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, p) })
		}
		if i < len(s.Deep) {
			x = ops.Add(c, x, s.Deep[i])
		}
		if c.Observing() && i < len(m.Blocks)-1 {
			c.Observe("lm.hidden."+strconv.Itoa(i+1), x)
		}
	}
	x = m.Norm.Forward(c, x)
	if c.Observing() {
		c.Observe("lm.hidden."+strconv.Itoa(len(m.Blocks)), x)
	}
	p.end(c, s)
	return x
}

func (b *Block) forward(c *tensor.Ctx, x *tensor.Tensor, p *pass) *tensor.Tensor {
	h := b.InputNorm.Forward(c, x)
	q, k, v := b.attend(c, h, p.angles.HeadDim)
	h = ops.Attention(c, ops.RoPE(c, q, p.queries), ops.RoPE(c, k, &p.angles), v, &p.attn)
	x = ops.Add(c, x, b.O.Forward(c, h))
	h = b.PostNorm.Forward(c, x)
	return ops.Add(c, x, nn.Gated(c, h, b.Gate, b.Up, b.Down))
}
