package merger

import (
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const eps = 1e-6 // of the norms

// Deep is the adapter of Qwen3-VL: a merger of the last features, and one for each
// of the earlier blocks that enter the language model too.
type Deep struct {
	Last    *named   `ckpt:"merger"`
	Earlier []*named `ckpt:"deepstack_merger_list"`
}

// named is a merger under the names of Qwen3-VL's checkpoints. Those of earlier
// features have the norm behind the joining.
type named struct {
	Norm *nn.LayerNorm `ckpt:"norm"`
	FC1  *nn.Linear    `ckpt:"linear_fc1"`
	FC2  *nn.Linear    `ckpt:"linear_fc2"`
}

// NewDeep declares mergers of patches features of the given width into embeddings
// of width out, for the last features and those of earlier blocks.
func NewDeep(width, patches, out, earlier int) *Deep {
	joined := width * patches
	declare := func(norm int) *named {
		return &named{nn.NewLayerNorm(norm, eps), nn.NewLinear(joined, joined, true), nn.NewLinear(joined, out, true)}
	}
	d := &Deep{Last: declare(width)}
	for range earlier {
		d.Earlier = append(d.Earlier, declare(joined))
	}
	return d
}

// Adapt maps the last features of each token's patches, which follow each other, to one row.
func (d *Deep) Adapt(c *tensor.Ctx, f *model.Features) *tensor.Tensor { return d.Last.forward(c, f.X) }

// AdaptDeep does so for those of the earlier blocks.
func (d *Deep) AdaptDeep(c *tensor.Ctx, f *model.Features) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(d.Earlier))
	for i, m := range d.Earlier {
		out[i] = m.forward(c, f.Deep[i])
		if c.Observing() {
			c.Observe("visual.deepstack."+strconv.Itoa(i), out[i])
		}
	}
	return out
}

func (m *named) forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	joined := m.FC1.Weight.Shape[1]
	view := func(x *tensor.Tensor) *tensor.Tensor { return c.View(x, x.Len()/joined, joined) }
	if m.Norm.Weight.Len() == joined {
		x = m.Norm.Forward(c, view(x))
	} else {
		x = view(m.Norm.Forward(c, x))
	}
	return m.FC2.Forward(c, ops.Activate(c, m.FC1.Forward(c, x), ops.GELU))
}
