package vit

import (
	"fmt"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// TextConfig is the text_config of a model of two towers. Defaults are the family's.
type TextConfig struct {
	Config
	VocabSize    int `json:"vocab_size"`
	MaxPositions int `json:"max_position_embeddings"`
}

// Check refuses what cannot be a tower over texts, and looks the activation up.
func (t *TextConfig) Check() error {
	if t.MaxPositions < 1 || t.MaxPositions > 1<<20 || t.VocabSize < 1 || t.VocabSize > 1<<24 {
		return fmt.Errorf("vocab_size %d, max_position_embeddings %d", t.VocabSize, t.MaxPositions)
	}
	return t.CheckBlocks()
}

// Text reads texts by the blocks of a tower over pictures. What stands for a
// whole text is the family's.
type Text struct {
	Token     *nn.Embedding  `ckpt:"embeddings.token_embedding"`
	Position  *tensor.Tensor `ckpt:"embeddings.position_embedding.weight"`
	Blocks    []*Block       `ckpt:"encoder.layers"`
	FinalNorm *nn.LayerNorm  `ckpt:"final_layer_norm"`

	cfg    TextConfig
	causal bool
}

// NewText declares the tower of a checked config. causal: no token sees those behind it.
func NewText(cfg TextConfig, causal bool) Text {
	return Text{
		Token:     nn.NewEmbedding(cfg.VocabSize, cfg.HiddenSize),
		Position:  tensor.Declare(cfg.MaxPositions, cfg.HiddenSize),
		Blocks:    NewBlocks(cfg.Config),
		FinalNorm: nn.NewLayerNorm(cfg.HiddenSize, cfg.LayerNormEps),
		cfg:       cfg, causal: causal,
	}
}

// Context is the most tokens a text may have.
func (t *Text) Context() int { return t.cfg.MaxPositions }

// Encode returns the last hidden state of packed texts, [tokens, width],
// observed as text.last_hidden_state, and the first row of each text.
func (t *Text) Encode(c *tensor.Ctx, texts [][]int32) (x *tensor.Tensor, starts []int) {
	var ids, pos []int32
	starts = []int{0}
	for _, text := range texts {
		if len(text) > t.cfg.MaxPositions {
			panic(fmt.Sprintf("vit: text of %d tokens, at most %d", len(text), t.cfg.MaxPositions))
		}
		for p := range text {
			pos = append(pos, int32(p))
		}
		ids = append(ids, text...)
		starts = append(starts, len(ids))
	}
	x = ops.AddRows(c, t.Token.Forward(c, ids), t.Position, pos)
	attn := &ops.Attn{Heads: t.cfg.NumHeads, KVHeads: t.cfg.NumHeads, Causal: t.causal, Starts: starts}
	for _, b := range t.Blocks {
		x = b.Forward(c, x, attn)
	}
	x = t.FinalNorm.Forward(c, x)
	c.Observe("text.last_hidden_state", x)
	return x, starts
}
