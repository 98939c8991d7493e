//go:build amd64 && !purego

package kernel

import "github.com/fovea-ml/fovea/internal/cpu"

// useAVX512 and useAVX2 choose the assembly; a kernel asks for the wider one first.
// useAMX is about products of bfloat16 alone.
var useAMX, useAVX512, useAVX2 bool

// Impls lists the assembly implementations, fastest first; tests switch among them.
var Impls = selected([]cpu.Impl{
	{Name: "amx", Available: cpu.HasAMX, Toggle: &useAMX, Base: "avx512"},
	{Name: "avx512", Available: cpu.HasAVX512, Toggle: &useAVX512},
	{Name: "avx2", Available: cpu.HasAVX2, Toggle: &useAVX2},
})

func selected(impls []cpu.Impl) []cpu.Impl {
	cpu.Select(impls)
	return impls
}
