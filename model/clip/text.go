package clip

import (
	"slices"

	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Text is the text tower. It is causal, so that a text's end token has seen all of it.
type Text struct {
	vit.Text `ckpt:""`

	eos int
}

// NewText declares a tower.
func NewText(cfg TextConfig) *Text { return &Text{vit.NewText(cfg.TextConfig, true), cfg.EOSTokenID} }

// Pool returns the hidden state of each text's end token: [texts, width].
func (t *Text) Pool(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	x, starts := t.Encode(c, texts)
	ends := make([]int32, len(texts))
	for i, text := range texts {
		ends[i] = int32(starts[i] + t.end(text))
	}
	x = ops.Gather(c, ends, x)
	c.Observe("text.pooler_output", x)
	return x
}

// end is the position whose state stands for the text: the first end token, or,
// in configs that still carry the wrong id 2, the token with the largest id, as
// the reference does for them.
func (t *Text) end(text []int32) int {
	if t.eos == 2 {
		return slices.Index(text, slices.Max(text))
	}
	return max(0, slices.Index(text, int32(t.eos)))
}
