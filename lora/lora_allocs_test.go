//go:build !race

package lora

import (
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// TestSteadyInference wants steps with an adapter to allocate nothing.
func TestSteadyInference(t *testing.T) {
	for _, name := range []string{"lora", "dora"} {
		m := tiny(t)
		a, err := Open(filepath.Join("testdata", name), m, Naming{})
		check(t, err)
		a.Settle(nil)
		pool := kernel.NewPool(1)
		defer pool.Close()
		c, ids, cache := &tensor.Ctx{Pool: pool}, []int32{3}, []*model.KVCache{m.Language.NewCache(64)}
		s := &model.Sequence{}
		if n := testing.AllocsPerRun(20, func() {
			c.Reset()
			*s = model.Sequence{X: m.Language.Embed(c, ids), Past: cache}
			m.Language.Logits(c, m.Language.Forward(c, s))
		}); n > 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
	}
}
