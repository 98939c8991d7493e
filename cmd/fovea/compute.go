package main

import (
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/zoo"
)

// computeFlags say in which arithmetic a model's matrices are multiplied.
type computeFlags struct {
	Compute string `help:"Arithmetic of matrix products: f32, bf16, int8, or auto, which takes what the CPU has units for: bf16 unless the weights are f32, and for quantised ones int8 where single tokens are generated. Sums are float32 always. F16 weights lose 3 of their 11 bits in bf16." enum:"auto,f32,bf16,int8" default:"auto" placeholder:"TYPE"`
}

// pool starts the workers of the kernels for a model.
func (f computeFlags) pool(g *globals, m *zoo.Model) *kernel.Pool {
	p := g.pool()
	if f.Compute == "auto" {
		p.Compute, p.Steps = m.Compute()
	} else {
		p.Compute = computeTypes[f.Compute]
	}
	return p
}

// computeTypes are the dtypes that operands of products are rounded to.
var computeTypes = map[string]kernel.DType{"f32": kernel.F32, "bf16": kernel.BF16, "int8": kernel.I8}
