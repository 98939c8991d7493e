// Package cpu tells which instruction sets this machine has and chooses
// among the implementations of a kernel, in the way of Go's own crypto packages.
package cpu

import (
	"os"
	"slices"
)

// An Impl is one implementation of a set of kernels, chosen by setting *Toggle.
type Impl struct {
	Name      string
	Available bool
	Toggle    *bool
	Base      string // the implementation of what this one leaves out, if not the Go reference
}

// Select switches off the implementations that FOVEA_KERNEL excludes: it names
// the fastest one allowed ("avx512", "avx2", "neon", "generic"). impls are ordered fastest first.
func Select(impls []Impl) {
	want := os.Getenv("FOVEA_KERNEL")
	at := slices.IndexFunc(impls, func(i Impl) bool { return i.Name == want })
	if want == "generic" {
		at = len(impls)
	}
	for i := range impls {
		*impls[i].Toggle = impls[i].Available && i >= at
	}
}
