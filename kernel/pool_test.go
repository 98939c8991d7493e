package kernel

import (
	"sync/atomic"
	"testing"
)

type countTask struct{ seen []atomic.Int32 }

func (t *countTask) Run(part int) { t.seen[part].Add(1) }

func TestPoolRunsEveryPartOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 5} {
		var p *Pool
		if workers > 0 {
			p = NewPool(workers)
		}
		for _, parts := range []int{0, 1, 2, 7, 100} {
			task := &countTask{seen: make([]atomic.Int32, parts)}
			p.Run(parts, task)
			for i := range task.seen {
				if n := task.seen[i].Load(); n != 1 {
					t.Errorf("%d workers: part %d of %d ran %d times", workers, i, parts, n)
				}
			}
		}
		p.Close()
	}
}

func TestPoolFor(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for _, pool := range []*Pool{nil, p} {
		for _, n := range []int{0, 1, 10, 1000} {
			seen := make([]atomic.Int32, n)
			pool.For(n, 7, func(lo, hi int) {
				if hi-lo < 7 && hi != n {
					t.Errorf("range [%d, %d) of %d is shorter than the grain", lo, hi, n)
				}
				for i := lo; i < hi; i++ {
					seen[i].Add(1)
				}
			})
			for i := range seen {
				if seen[i].Load() != 1 {
					t.Errorf("n=%d: element %d visited %d times", n, i, seen[i].Load())
				}
			}
		}
	}
}

type panicTask struct{}

func (panicTask) Run(part int) {
	if part == 3 {
		panic("part 3")
	}
}

func TestPoolPanicReachesCaller(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for range 20 {
		func() {
			defer func() {
				if v := recover(); v != "part 3" {
					t.Errorf("recovered %v", v)
				}
			}()
			p.Run(10, panicTask{})
		}()
	}
	p.Run(5, &countTask{seen: make([]atomic.Int32, 5)}) // the pool still works
}

func TestPoolRunAllocs(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	task := &countTask{seen: make([]atomic.Int32, 8)}
	if n := testing.AllocsPerRun(50, func() { p.Run(8, task) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}
