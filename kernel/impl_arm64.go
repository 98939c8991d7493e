//go:build arm64 && !purego

package kernel

import "github.com/fovea-ml/fovea/internal/cpu"

// useNEON chooses the assembly.
var useNEON bool

// Impls lists the assembly implementations; tests switch among them.
var Impls = selected([]cpu.Impl{
	{Name: "neon", Available: cpu.HasNEON, Toggle: &useNEON},
})

func selected(impls []cpu.Impl) []cpu.Impl {
	cpu.Select(impls)
	return impls
}
