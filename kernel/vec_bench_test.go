package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// BenchmarkVec reports for each function the elements and bytes per second of 4,096 elements
// in cache, and how many times faster that is than the Go reference.
func BenchmarkVec(b *testing.B) {
	const n = 4096
	for _, c := range vecCases {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			s := make([][]float32, c.ins)
			for i := range s {
				s[i] = make([]float32, n)
				uniform(rng, s[i])
			}
			settle(s[:c.outs])
			b.SetBytes(4 * n * int64(c.ins))
			for b.Loop() {
				c.run(s)
			}
			perCall := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(n/perCall/1e9, "Gelem/s")
			settle(s[:c.outs])
			b.ReportMetric(genericSeconds(c, s)/perCall, "×Go")
		})
	}
}

// settle clears what a repeated call would otherwise grow without bound from a random start.
func settle(s [][]float32) {
	for _, x := range s {
		clear(x)
	}
}

func genericSeconds(c vecCase, s [][]float32) float64 {
	defer cputest.Only(Impls, -1)()
	const calls = 100
	start := time.Now()
	for range calls {
		c.run(s)
	}
	return time.Since(start).Seconds() / calls
}

// BenchmarkScalarExp is the loop over math.Exp that Exp replaces.
func BenchmarkScalarExp(b *testing.B) {
	x, y := make([]float32, 4096), make([]float32, 4096)
	uniform(rand.New(rand.NewPCG(1, 2)), x)
	b.SetBytes(8 * int64(len(x)))
	for b.Loop() {
		for i, v := range x {
			y[i] = float32(math.Exp(float64(v)))
		}
	}
	b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
}
