package zoo

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Compute is the arithmetic that suits the model on this machine, for
// kernel.Pool: I8 if most weights are quantised and the CPU multiplies 8-bit integers,
// BF16 if most have 16 bits and it has matrix units, else F32.
func (m *Model) Compute() tensor.DType {
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
	switch {
	case 2*quantised > all && kernel.IntegerUnits():
		return kernel.I8
	case 2*(short+quantised) > all && kernel.MatrixUnits():
		return tensor.BF16
	}
	return tensor.F32
}
