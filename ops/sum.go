package ops

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Sum is y = Σ x, one element.
func Sum(c *tensor.Ctx, x *T) *T { return weighSum(c, x, 1) }

// Mean is y = Σ x / n, one element.
func Mean(c *tensor.Ctx, x *T) *T { return weighSum(c, x, 1/float32(x.Len())) }

// weighSum is w·Σ x.
func weighSum(c *tensor.Ctx, x *T, w float32) *T {
	y := c.New([]int{1}, x)
	y.F32[0] = w * kernel.Sum(x.F32)
	if y.NeedsGrad() {
		c.Record(y, func() {
			dx, g := x.Grad(), w*y.Grad()[0]
			for i := range dx {
				dx[i] += g
			}
		})
	}
	return y
}
