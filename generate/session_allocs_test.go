//go:build !race

package generate_test

import (
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/kernel"
)

// The race detector drops memory that is lent out and given back.
func TestStepAllocatesNothing(t *testing.T) {
	m, vlm := openStories(t)
	for _, workers := range []int{1, 2} {
		pool := kernel.NewPool(workers)
		s := generate.NewSession(vlm, 0, pool)
		prefill(t, s, text(t, m, "Once upon a time"))
		step(t, s, 10)
		if n := testing.AllocsPerRun(50, func() { s.Step(10) }); n != 0 {
			t.Errorf("%d workers: %v allocations a step", workers, n)
		}
		pool.Close()
	}
}
