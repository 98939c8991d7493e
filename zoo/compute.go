package zoo

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Compute is the arithmetic that suits the model on this machine, for
// kernel.Pool: BF16 if the CPU has matrix units and most weights are stored in fewer
// than 32 bits, else F32.
func (m *Model) Compute() tensor.DType {
	if !kernel.MatrixUnits() {
		return tensor.F32
	}
	short, all := 0, 0
	for _, p := range m.params() {
		all += p.T.Len()
		if p.T.DType != tensor.F32 {
			short += p.T.Len()
		}
	}
	if 2*short > all {
		return tensor.BF16
	}
	return tensor.F32
}
