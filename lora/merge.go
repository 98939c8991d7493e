package lora

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Merge adds the updates to the weights and takes them off the layers. A weight keeps its
// dtype, F32, F16 or BF16, and is rounded to it; a quantised one becomes wide, one of
// these, and its layer's name is returned. The files that weights were mapped from stay as they are.
func (a *Adapter) Merge(pool *kernel.Pool, wide tensor.DType) (dequantised []string) {
	c := &tensor.Ctx{Pool: pool}
	for _, l := range a.Layers {
		dtype := l.Weight.DType
		sum := l.LoRA.Merged(c, l.Weight)
		c.Reset()
		w := l.Weight
		w.F32, w.Raw, w.DType = sum.F32, nil, tensor.F32
		if dtype.Quantised() {
			dequantised, dtype = append(dequantised, l.Name), wide
		}
		if dtype != tensor.F32 {
			w.Store(dtype, nil)
		}
		l.LoRA = nil
	}
	a.Layers = nil
	return dequantised
}
