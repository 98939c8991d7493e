// Package cputest lets one test process run every implementation of a kernel.
package cputest

import (
	"testing"

	"github.com/fovea-ml/fovea/internal/cpu"
)

// TestAll runs f once for each available implementation, and once for the Go
// reference with all of them switched off.
func TestAll(t *testing.T, impls []cpu.Impl, f func(t *testing.T)) {
	t.Helper()
	saved := make([]bool, len(impls))
	for i := range impls {
		saved[i] = *impls[i].Toggle
	}
	defer func() {
		for i := range impls {
			*impls[i].Toggle = saved[i]
		}
	}()
	only := func(k int) {
		for i := range impls {
			*impls[i].Toggle = i == k
		}
	}
	for k := range impls {
		if impls[k].Available {
			only(k)
			t.Run(impls[k].Name, f)
		}
	}
	only(-1)
	t.Run("generic", f)
}
