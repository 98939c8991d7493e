//go:build !linux

package kernel

import "testing"

// A guarded is ordinary memory where guard pages are not at hand.
type guarded struct{}

func newGuarded(testing.TB) guarded { return guarded{} }

func (guarded) floats(n, _ int, _ bool) []float32 { return make([]float32, n) }

func (guarded) bytes(n, _ int, _ bool) []byte { return make([]byte, n) }
