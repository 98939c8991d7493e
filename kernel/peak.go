package kernel

import (
	"sync"
	"time"
)

// PeakFMA measures the multiply-add limit of workers together with the
// implementation in use, in GFLOP/s: the roof of every matrix product. It takes
// about 50 ms.
func PeakFMA(workers int) (gflops float64) { return peak(workers, 1<<19, fmaLoop) }

// PeakBF16 is PeakFMA for products of bfloat16 by matrix units; 0 where there are none.
func PeakBF16(workers int) (gflops float64) { return peak(workers, 1<<16, tileLoop) }

// PeakInt8 is PeakFMA for products of 8-bit integers, by matrix units, VNNI or what comes
// closest; 0 for the Go reference.
func PeakInt8(workers int) (gops float64) { return peak(workers, 1<<17, int8Loop) }

// peak is the best of several runs of n rounds of a loop, which returns the operations done.
func peak(workers, n int, loop func(n int) (flops float64)) (gflops float64) {
	workers = max(workers, 1)
	flops := loop(n) // the first call wakes the units up
	for range 16 {
		took := together(workers, func(int) { loop(n) })
		gflops = max(gflops, float64(workers)*flops/took.Seconds()/1e9)
	}
	return gflops
}

// together is the time until f has returned for every worker.
func together(workers int, f func(worker int)) time.Duration {
	var done sync.WaitGroup
	start := time.Now()
	for w := 1; w < workers; w++ {
		done.Go(func() { f(w) })
	}
	f(0)
	done.Wait()
	return time.Since(start)
}

// fmaGeneric runs n rounds of 8 independent multiply-adds and returns the operations done.
func fmaGeneric(n int) (flops float64) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	x, y := float32(n&1), float32(n&2)
	for range n {
		s0 += x * y
		s1 += x * y
		s2 += x * y
		s3 += x * y
		s4 += x * y
		s5 += x * y
		s6 += x * y
		s7 += x * y
	}
	if s0+s1+s2+s3+s4+s5+s6+s7 != 0 {
		return 0
	}
	return 16 * float64(n)
}

// ReadBandwidth measures how fast workers together read memory that no cache
// holds, in GB/s: the roof of decoding, which reads every weight for each
// token. It takes about 100 ms and 64 MB for each worker.
func ReadBandwidth(workers int) (gbps float64) {
	const size = 64 << 20
	workers = max(workers, 1)
	blocks := make([][]byte, workers)
	for i := range blocks {
		blocks[i] = make([]byte, size)
		for j := 0; j < size; j += 4096 {
			blocks[i][j] = 1 // a page of its own: untouched pages all map to one
		}
	}
	for range 3 {
		took := together(workers, func(w int) { readAll(blocks[w]) })
		gbps = max(gbps, float64(workers)*size/took.Seconds()/1e9)
	}
	return gbps
}

// readGeneric reads b word by word.
func readGeneric(b []byte) (sum uint64) {
	for len(b) >= 32 {
		sum += uint64(b[0]) + uint64(b[8]) + uint64(b[16]) + uint64(b[24])
		b = b[32:]
	}
	return sum
}
