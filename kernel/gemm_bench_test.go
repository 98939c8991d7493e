package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// gemmShapes are the products of a ViT-L layer at 336 pixels, a square one, the
// forward and weight-gradient products of a small trained model, and decoding.
var gemmShapes = []struct {
	form    string
	dtype   DType
	m, n, k int
}{
	{"NT", F32, 1024, 1024, 1024},
	{"NT", F32, 577, 4096, 1024},
	{"NT", F32, 577, 1024, 4096},
	{"NT", BF16, 577, 1024, 1024},
	{"NT", F16, 577, 1024, 1024},
	{"NT", Q4_K, 577, 1024, 1024},
	{"NT", F32, 2000, 256, 256},
	{"NT", F32, 2000, 1024, 256},
	{"NT", F32, 2000, 256, 1024},
	{"NN", F32, 2000, 256, 1024},
	{"NN", F32, 2000, 1024, 256},
	{"TN", F32, 256, 256, 2000},
	{"TN", F32, 1024, 256, 2000},
	{"TN", F32, 256, 1024, 2000},
	{"NT", F32, 200, 200, 32},
	{"NN", F32, 200, 32, 200},
}

func BenchmarkGemm(b *testing.B) {
	benchAll(b, func(b *testing.B) {
		peak := PeakFMA(1)
		for _, s := range gemmShapes {
			for workers := 1; workers <= 2; workers++ {
				b.Run(fmt.Sprintf("%s_%v_%dx%dx%d/workers=%d", s.form, s.dtype, s.m, s.n, s.k, workers), func(b *testing.B) {
					benchProduct(b, F32, workers, s.form, s.dtype, s.m, s.n, s.k)
					gflops := 2 * float64(s.m*s.n*s.k) * float64(b.N) / b.Elapsed().Seconds() / 1e9
					b.ReportMetric(gflops, "GFLOP/s")
					b.ReportMetric(100*gflops/peak/float64(workers), "%peak")
				})
			}
		}
	})
}

// BenchmarkDecode multiplies few rows by weights that no cache holds.
func BenchmarkDecode(b *testing.B) {
	benchAll(b, func(b *testing.B) {
		for workers := 1; workers <= 2; workers++ {
			roof := ReadBandwidth(workers)
			for _, dtype := range []DType{F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K} {
				for _, m := range []int{1, 2, 4, 8, 16} {
					b.Run(fmt.Sprintf("%v_%dx8192x4096/workers=%d", dtype, m, workers), func(b *testing.B) {
						benchProduct(b, F32, workers, "NT", dtype, m, 8192, 4096)
						gbps := float64(dtype.Bytes(8192*4096)) * float64(b.N) / b.Elapsed().Seconds() / 1e9
						b.ReportMetric(gbps, "GB/s")
						b.ReportMetric(100*gbps/roof, "%roof")
					})
				}
			}
		}
	})
}

func benchProduct(b *testing.B, compute DType, workers int, form string, dtype DType, m, n, k int) {
	pool := NewPool(workers)
	pool.Compute = compute
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	var c, x, y Mat
	if dtype.Quantised() {
		c, x, _ = randomOperands(rng, form, F32, m, n, k)
		y = randomBlocks(b, rng, dtype, n, k) // in the form NT
	} else {
		c, x, y = randomOperands(rng, form, dtype, m, n, k)
	}
	b.ReportAllocs()
	for b.Loop() {
		multiplyForm(pool, form, c, x, y, false)
	}
}

// benchAll runs f with each implementation alone.
func benchAll(b *testing.B, f func(b *testing.B)) {
	for k, impl := range Impls {
		if impl.Available {
			restore := cputest.Only(Impls, k)
			b.Run(impl.Name, f)
			restore()
		}
	}
	defer cputest.Only(Impls, -1)()
	b.Run("generic", f)
}
