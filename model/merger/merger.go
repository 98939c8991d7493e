// Package merger holds the adapters of Qwen2-VL and its successors: the features of neighbouring
// patches are joined and become one token.
//
// Qwen2-VL, Wang et al. 2024, https://arxiv.org/abs/2409.12191.
package merger

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Merger is a norm, and two layers over the features of a token's patches.
type Merger struct {
	Norm nn.Layer   `ckpt:"ln_q"`
	FC1  *nn.Linear `ckpt:"mlp.0"`
	FC2  *nn.Linear `ckpt:"mlp.2"`
}

// New declares a merger of patches features of the given width into embeddings of width out.
func New(norm nn.Layer, width, patches, out int) *Merger {
	return &Merger{norm, nn.NewLinear(width*patches, width*patches, true), nn.NewLinear(width*patches, out, true)}
}

// Adapt maps the features of each token's patches, which follow each other, to one row.
func (m *Merger) Adapt(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	x := m.Norm.Forward(c, f.X)
	width := m.FC1.Weight.Shape[1]
	x = c.View(x, x.Len()/width, width)
	return nn.FeedForward(c, x, m.FC1, m.FC2, ops.GELU)
}
