package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/tensor"
)

// LowRank is y = x·wᵀ + b + h·upᵀ for x [m, k], w [n, k], b [n] or nil, h [m, r] and
// up [n, r]: a linear layer with an update of low rank, of which h = s·x·downᵀ is made
// before (Hu et al. 2021, https://arxiv.org/abs/2106.09685). w, b and up may be of any
// float dtype.
func LowRank(c *tensor.Ctx, x, w, b, h, up *T) *T {
	m, k, n, r := x.Rows(), x.Cols(), w.Rows(), h.Cols()
	if w.Cols() != k || b != nil && b.Len() != n || h.Rows() != m || up.Rows() != n || up.Cols() != r {
		panic(fmt.Sprintf("ops: LowRank: x %v, w %v, b %v, h %v, up %v", x.Shape, w.Shape, b, h.Shape, up.Shape))
	}
	y := c.New([]int{m, n}, x, w, b, h, up)
	c.Pool.Linear(y.Mat(), x.Mat(), w.Mat(), floats(c, b))
	c.Pool.GemmNT(y.Mat(), h.Mat(), up.Mat(), true)
	if y.NeedsGrad() {
		c.Record(y, func() {
			linearGrad(c, y, h, up, nil)
			linearGrad(c, y, x, w, b)
		})
	}
	return y
}
