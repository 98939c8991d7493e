package clip

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Text is the text tower. It is causal, so that a text's end token has seen all of it.
type Text struct {
	Token     *nn.Embedding  `ckpt:"embeddings.token_embedding"`
	Position  *tensor.Tensor `ckpt:"embeddings.position_embedding.weight"`
	Blocks    []*vit.Block   `ckpt:"encoder.layers"`
	FinalNorm *nn.LayerNorm  `ckpt:"final_layer_norm"`

	cfg TextConfig
}

// NewText declares a tower.
func NewText(cfg TextConfig) *Text {
	return &Text{
		Token:     nn.NewEmbedding(cfg.VocabSize, cfg.HiddenSize),
		Position:  tensor.Declare(cfg.MaxPositions, cfg.HiddenSize),
		Blocks:    vit.NewBlocks(cfg.Config),
		FinalNorm: nn.NewLayerNorm(cfg.HiddenSize, cfg.LayerNormEps),
		cfg:       cfg,
	}
}

// Pool returns the hidden state of each text's end token: [texts, width].
func (t *Text) Pool(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	var ids, pos, ends []int32
	starts := []int{0}
	for _, text := range texts {
		if len(text) > t.cfg.MaxPositions {
			panic(fmt.Sprintf("clip: text of %d tokens, at most %d", len(text), t.cfg.MaxPositions))
		}
		ends = append(ends, int32(len(ids)+t.end(text)))
		for p := range text {
			pos = append(pos, int32(p))
		}
		ids = append(ids, text...)
		starts = append(starts, len(ids))
	}
	x := ops.AddRows(c, t.Token.Forward(c, ids), t.Position, pos)
	attn := &ops.Attn{Heads: t.cfg.NumHeads, KVHeads: t.cfg.NumHeads, Causal: true, Starts: starts}
	for _, b := range t.Blocks {
		x = b.Forward(c, x, attn)
	}
	x = t.FinalNorm.Forward(c, x)
	c.Observe("text.last_hidden_state", x)
	x = ops.Gather(c, ends, x)
	c.Observe("text.pooler_output", x)
	return x
}

// end is the position whose state stands for the text: the first end token, or,
// in configs that still carry the wrong id 2, the token with the largest id, as
// the reference does for them.
func (t *Text) end(text []int32) int {
	if t.cfg.EOSTokenID == 2 {
		return slices.Index(text, slices.Max(text))
	}
	return max(0, slices.Index(text, int32(t.cfg.EOSTokenID)))
}
