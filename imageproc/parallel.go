package imageproc

import (
	"runtime"
	"sync"
)

// parallelWork is the least work, in weighted pixels, worth a goroutine.
const parallelWork = 1 << 18

// parallel calls f on consecutive ranges that cover [0, n), on several
// goroutines when n items of the given cost are enough work.
func parallel(n, cost int, f func(lo, hi int)) {
	workers := min(runtime.GOMAXPROCS(0), n, n*cost/parallelWork)
	if workers <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { f(i*n/workers, (i+1)*n/workers) })
	}
	wg.Wait()
}
