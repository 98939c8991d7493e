package main

import (
	"encoding/json"
	"io"
	"runtime"

	"github.com/fovea-ml/fovea/kernel"
)

// globals are the flags that every command takes.
type globals struct{ Workers int }

// workers is the number of CPU cores to use.
func (g *globals) workers() int {
	if g.Workers > 0 {
		return g.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// pool starts the workers of the kernels.
func (g *globals) pool() *kernel.Pool { return kernel.NewPool(g.workers()) }

// writeJSON prints a value as indented JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
