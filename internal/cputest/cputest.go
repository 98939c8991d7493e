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
	for k := range impls {
		if impls[k].Available {
			restore := Only(impls, k)
			t.Run(impls[k].Name, f)
			restore()
		}
	}
	defer Only(impls, -1)()
	t.Run("generic", f)
}

// Only leaves implementation k, with what it is based on, switched on until restore
// is called; -1 stands for the Go reference.
func Only(impls []cpu.Impl, k int) (restore func()) {
	saved := make([]bool, len(impls))
	for i := range impls {
		saved[i] = *impls[i].Toggle
		*impls[i].Toggle = i == k || k >= 0 && impls[i].Name == impls[k].Base
	}
	return func() {
		for i := range impls {
			*impls[i].Toggle = saved[i]
		}
	}
}
