package bert

import (
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Head makes logits of hidden states, by a table of tokens that is not its own.
type Head struct {
	Transform *nn.Linear     `ckpt:"transform.dense"`
	Norm      *nn.LayerNorm  `ckpt:"transform.LayerNorm"`
	Bias      *tensor.Tensor `ckpt:"bias"` // [vocabulary]

	act ops.Act
}

// NewHead declares the head of a checked config.
func NewHead(cfg Config) *Head {
	d := cfg.HiddenSize
	return &Head{nn.NewLinear(d, d, true), nn.NewLayerNorm(d, cfg.LayerNormEps), tensor.Declare(cfg.VocabSize), cfg.Act}
}

// Logits returns [rows, vocabulary] for hidden states; table is [vocabulary, width].
func (h *Head) Logits(c *tensor.Ctx, x, table *tensor.Tensor) *tensor.Tensor {
	x = h.Norm.Forward(c, ops.Activate(c, h.Transform.Forward(c, x), h.act))
	return (&nn.Linear{Weight: table, Bias: h.Bias}).Forward(c, x)
}
