//go:build (!amd64 && !arm64) || purego

package kernel

import "github.com/fovea-ml/fovea/internal/cpu"

// Impls lists the assembly implementations: none on this platform.
var Impls []cpu.Impl
