package zoo

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Compute is the arithmetic that suits the model on this machine, for the fields of
// that name and Steps of kernel.Pool. If most weights are stored in fewer than 32
// bits and the CPU has matrix units, prompts use BF16. If most are quantised and it
// multiplies 8-bit integers, steps use I8, which keeps up with memory, and so do
// prompts without matrix units. Everything else is F32.
func (m *Model) Compute() (prompts, steps tensor.DType) {
	short, quantised, all := 0, 0, 0
	for _, p := range m.params() {
		all += p.T.Len()
		switch {
		case p.T.DType.Quantised():
			quantised += p.T.Len()
		case p.T.DType != tensor.F32:
			short += p.T.Len()
		}
	}
	integers := 2*quantised > all && kernel.IntegerUnits()
	switch {
	case 2*(short+quantised) > all && kernel.MatrixUnits():
		if integers {
			return tensor.BF16, kernel.I8
		}
		return tensor.BF16, tensor.BF16
	case integers:
		return kernel.I8, kernel.I8
	}
	return tensor.F32, tensor.F32
}
