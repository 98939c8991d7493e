package main

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/zoo"
)

// computeFlags say in which arithmetic a model's matrices are multiplied.
type computeFlags struct {
	Compute string `help:"Round what matrices multiply to bf16, for matrix units, or not at all, f32; sums are float32 either way. auto: bf16 where the CPU has matrix units and the weights are not float32. F16 weights lose 3 of their 11 bits in bf16." enum:"auto,f32,bf16" default:"auto" placeholder:"TYPE"`
}

// pool starts the workers of the kernels for a model.
func (f computeFlags) pool(g *globals, m *zoo.Model) *kernel.Pool {
	p := g.pool()
	p.Compute = f.choose(m)
	return p
}

func (f computeFlags) choose(m *zoo.Model) kernel.DType {
	switch f.Compute {
	case "bf16":
		return kernel.BF16
	case "f32":
		return kernel.F32
	}
	return m.Compute()
}
