package main

import (
	"runtime"

	"github.com/fovea-ml/fovea/kernel"
)

// globals are the flags that every command takes.
type globals struct{ Workers int }

// pool starts the workers of the kernels.
func (g *globals) pool() *kernel.Pool {
	n := g.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return kernel.NewPool(n)
}
