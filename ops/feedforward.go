package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Feed holds the weights of a feed-forward network, [inner, k] and [n, inner], and its
// biases, which may be nil.
type Feed struct {
	Up, UpBias, Gate, GateBias, Down, DownBias *T

	Act Act // of Up's outputs if Gate is nil; a gate's is SiLU
}

// FeedForward is y = Down·act(Up·x), or Down·(SiLU(Gate·x) ⊙ (Up·x)) if there is a Gate, with
// biases: [rows, k] to [rows, n]. Where products round to bfloat16 and nothing is learnt,
// it is one kernel, with the bits of the ops that it is made of.
func FeedForward(c *tensor.Ctx, x *T, f Feed) *T {
	if y := feedFused(c, x, &f); y != nil {
		return y
	}
	h := Linear(c, x, f.Up, f.UpBias)
	if f.Gate != nil {
		h = SwiGLU(c, Linear(c, x, f.Gate, f.GateBias), h)
	} else {
		h = Activate(c, h, f.Act)
	}
	return Linear(c, h, f.Down, f.DownBias)
}

// feedFused returns nil where the ops run one by one.
func feedFused(c *tensor.Ctx, x *T, f *Feed) *T {
	if c.Train || !c.Pool.Rounds() {
		return nil
	}
	if f.Up.Cols() != x.Cols() || f.Down.Cols() != f.Up.Rows() || f.Gate != nil && (f.Gate.Cols() != x.Cols() || f.Gate.Rows() != f.Up.Rows()) {
		panic(fmt.Sprintf("ops: FeedForward: x %v, up %v, down %v", x.Shape, f.Up.Shape, f.Down.Shape))
	}
	k := tensor.Reuse[kernel.FeedForward](c)
	k.Up, k.Gate, k.Down = f.Up.Mat(), kernel.Mat{}, f.Down.Mat()
	if f.Gate != nil {
		k.Gate = f.Gate.Mat()
	}
	if !c.Pool.Fuses(x.Rows(), k) {
		return nil
	}
	k.UpBias, k.GateBias, k.DownBias = floats(c, f.UpBias), floats(c, f.GateBias), floats(c, f.DownBias)
	k.Act = activations[f.Act].forward
	y := c.New([]int{x.Rows(), f.Down.Rows()}, x)
	c.Pool.FeedForward(y.Mat(), x.Mat(), k)
	return y
}
