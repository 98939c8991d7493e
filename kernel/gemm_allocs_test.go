//go:build !race

// The race detector makes sync.Pool, where the scratch of a nil Pool lives,
// forget what it holds, to find races.

package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestGemmAllocs(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	rng := rand.New(rand.NewPCG(11, 12))
	for _, m := range []int{1, 100} {
		c, a, b := randomOperands(rng, "NT", BF16, m, 130, 300)
		for _, p := range []*Pool{nil, pool} {
			if n := testing.AllocsPerRun(20, func() { p.GemmNT(c, a, b, true) }); n != 0 {
				t.Errorf("m=%d on %d workers: %v allocations a call", m, p.Workers(), n)
			}
		}
		for _, d := range quantised {
			c, a, b := F32Mat(make([]float32, m*130), m, 130), randomMat(rng, F32, m, 512), randomBlocks(t, rng, d, 130, 512)
			for _, pool.Compute = range []DType{F32, I8} {
				for range 10 { // until each worker has had every part
					pool.GemmNT(c, a, b, true)
				}
				if n := testing.AllocsPerRun(5, func() { pool.GemmNT(c, a, b, true) }); n != 0 {
					t.Errorf("%v by %v, m=%d: %v allocations a call", d, pool.Compute, m, n)
				}
			}
			pool.Compute = F32
		}
	}
}
