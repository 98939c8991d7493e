package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Divide is y = x / s with s of one element: a temperature that is learned.
func Divide(c *tensor.Ctx, x, s *T) *T {
	if s.Len() != 1 {
		panic(fmt.Sprintf("ops: Divide: x %v by %v", x.Shape, s.Shape))
	}
	inverse := 1 / floats(c, s)[0]
	y := c.New(x.Shape, x, s)
	kernel.Scale(y.F32, x.F32, inverse)
	if y.NeedsGrad() {
		c.Record(y, func() {
			if g := gradOf(c, x); g != nil {
				kernel.Axpy(g, inverse, y.Grad())
			}
			if g := gradOf(c, s); g != nil {
				g[0] -= float32(inverse * kernel.Dot(y.Grad(), y.F32))
			}
		})
	}
	return y
}
