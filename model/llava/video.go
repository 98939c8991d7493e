package llava

import (
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// halved is the grid that the features of a video's frame are reduced to: half as
// many on a side.
func (m *Model) halved() ops.Grid {
	n := (m.cfg.Vision.Grid() + 1) / 2
	return ops.Grid{H: n, W: n}
}

// frames are the reduced features of each of n frames, of which the first begins at
// a row of x.
func (m *Model) frames(c *tensor.Ctx, x *tensor.Tensor, first, n int) []*tensor.Tensor {
	side, out := m.cfg.Vision.Grid(), make([]*tensor.Tensor, n)
	for i := range out {
		at := make([]int32, m.Vision.Rows())
		for k := range at {
			at[k] = int32(first + i*len(at) + k)
		}
		out[i] = ops.Interpolate(c, ops.Gather(c, at, x), ops.Grid{H: side, W: side}, m.halved(), ops.Linear2D)
	}
	return out
}
