package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkTiles multiplies in bfloat16: layers of ViT-L at 336 pixels and of
// language models, and the gradients of a small trained model.
func BenchmarkTiles(b *testing.B) {
	if !MatrixUnits() {
		b.Skip("no matrix units")
	}
	for workers := 1; workers <= 2; workers++ {
		peak := PeakBF16(workers)
		for _, s := range []struct {
			form    string
			dtype   DType
			m, n, k int
		}{
			{"NT", BF16, 577, 4096, 1024},
			{"NT", BF16, 577, 1024, 4096},
			{"NT", F16, 577, 1024, 1024},
			{"NT", F32, 1024, 1024, 1024},
			{"NT", BF16, 512, 896, 896},
			{"NT", BF16, 512, 4864, 896},
			{"NT", BF16, 512, 896, 4864},
			{"NT", Q8_0, 512, 4864, 896},
			{"NT", Q4_0, 512, 4096, 4096},
			{"NT", Q4_K, 512, 4096, 4096},
			{"NT", Q6_K, 512, 4096, 4096},
			{"NT", F32, 2000, 256, 1024},
			{"NN", F32, 2000, 256, 1024},
			{"TN", F32, 256, 1024, 2000},
		} {
			b.Run(fmt.Sprintf("%s_%v_%dx%dx%d/workers=%d", s.form, s.dtype, s.m, s.n, s.k, workers), func(b *testing.B) {
				benchProduct(b, BF16, workers, s.form, s.dtype, s.m, s.n, s.k)
				gflops := 2 * float64(s.m*s.n*s.k) * float64(b.N) / b.Elapsed().Seconds() / 1e9
				b.ReportMetric(gflops, "GFLOP/s")
				b.ReportMetric(100*gflops/peak, "%peak")
			})
		}
	}
}

// BenchmarkTileDecode multiplies one row, and a few, by weights that no cache holds.
func BenchmarkTileDecode(b *testing.B) {
	if !MatrixUnits() {
		b.Skip("no matrix units")
	}
	for workers := 1; workers <= 2; workers++ {
		roof := ReadBandwidth(workers)
		for _, dtype := range []DType{BF16, F16, Q8_0, Q4_0, Q4_K, Q5_K, Q6_K} {
			for _, m := range []int{1, 4} {
				b.Run(fmt.Sprintf("%v_%dx16384x4096/workers=%d", dtype, m, workers), func(b *testing.B) {
					benchProduct(b, BF16, workers, "NT", dtype, m, 16384, 4096)
					gbps := float64(dtype.Bytes(16384*4096)) * float64(b.N) / b.Elapsed().Seconds() / 1e9
					b.ReportMetric(gbps, "GB/s")
					b.ReportMetric(100*gbps/roof, "%roof")
				})
			}
		}
	}
}
