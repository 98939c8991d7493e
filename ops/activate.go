package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Act is an element-wise activation function.
type Act uint8

// The activation functions. The zero value is SiLU.
const (
	SiLU      Act = iota // x·σ(x)
	GELU                 // x·Φ(x), by the error function
	GELUTanh             // x·(1+tanh(√(2/π)·(x+0.044715x³)))/2
	QuickGELU            // x·σ(1.702x), of OpenAI's CLIP
	ReLU                 // max(x, 0)
)

var activations = [...]struct {
	name    string
	forward func(y, x []float32)
	grad    func(dx, dy, x []float32)
}{
	SiLU:      {"silu", kernel.SiLU, kernel.SiLUGrad},
	GELU:      {"gelu", kernel.GELU, kernel.GELUGrad},
	GELUTanh:  {"gelu_pytorch_tanh", kernel.GELUTanh, kernel.GELUTanhGrad},
	QuickGELU: {"quick_gelu", kernel.QuickGELU, kernel.QuickGELUGrad},
	ReLU:      {"relu", kernel.ReLU, kernel.ReLUGrad},
}

// ParseAct returns the activation that a config.json of transformers names (hidden_act and its kin).
func ParseAct(name string) (Act, error) {
	switch name {
	case "silu", "swish":
		return SiLU, nil
	case "gelu", "gelu_python":
		return GELU, nil
	case "gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu_accurate":
		return GELUTanh, nil
	case "quick_gelu":
		return QuickGELU, nil
	case "relu":
		return ReLU, nil
	}
	return 0, fmt.Errorf("unknown activation %q", name)
}

// String returns the name that transformers uses.
func (a Act) String() string { return activations[a].name }

// Activate is y = act(x), element by element.
func Activate(c *tensor.Ctx, x *T, act Act) *T {
	y := c.New(x.Shape, x)
	each(c, y.Len(), 1, activate{y: y.F32, x: x.F32, act: act}, func(a *activate, lo, hi int) {
		activations[a.act].forward(a.y[lo:hi], a.x[lo:hi])
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			each(c, y.Len(), 1, activate{y: y.Grad(), dx: sinkOf(x), x: x.F32, act: act}, func(a *activate, lo, hi int) {
				activations[a.act].grad(a.dx.part(lo, hi), a.y[lo:hi], a.x[lo:hi])
			})
		})
	}
	return y
}

type activate struct {
	y, x []float32
	dx   sink
	act  Act
}
