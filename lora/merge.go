package lora

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Merge adds the updates to the weights and takes them off the layers. A sum is stored in
// the dtype that store gives for the weight's own, F32, F16 or BF16, and is rounded to
// it and not before, whatever the pool computes in. The layers whose weights were quantised are named. The files that weights were
// mapped from stay as they are.
func (a *Adapter) Merge(pool *kernel.Pool, store func(weight tensor.DType) tensor.DType) (dequantised []string) {
	if pool != nil {
		defer func(was tensor.DType) { pool.Compute = was }(pool.Compute)
		pool.Compute = tensor.F32
	}
	c := &tensor.Ctx{Pool: pool}
	for _, l := range a.Layers {
		w, dtype := l.Weight, store(l.Weight.DType)
		if w.DType.Quantised() {
			dequantised = append(dequantised, l.Name)
		}
		sum := l.LoRA.Merged(c, w)
		c.Reset()
		w.F32, w.Raw, w.DType = sum.F32, nil, tensor.F32
		if dtype != tensor.F32 {
			w.Store(dtype, nil)
		}
		l.LoRA = nil
	}
	a.Layers = nil
	return dequantised
}
