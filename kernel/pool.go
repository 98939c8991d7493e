package kernel

import (
	"runtime"
	"sync/atomic"
)

// A Task is work cut into parts that may run in any order and at the same time.
type Task interface{ Run(part int) }

// A Pool runs parts of a kernel on several workers and owns their scratch
// memory, so that in the steady state no kernel allocates. A nil *Pool runs
// everything on the caller. A Pool serves one goroutine at a time, and a task
// must not use the pool it runs on.
type Pool struct {
	// Compute is what the operands of matrix products are rounded to on the way:
	// F32, the zero value, for no rounding; BF16; or I8. Sums are float32 always.
	// See the package comment. It may change between products.
	Compute DType

	// Steps takes the place of Compute while single tokens are generated, bound by
	// reading weights; F32, the zero value, leaves Compute as it is.
	Steps DType

	workers int
	helpers []helper
	call    atomic.Uint64 // number of the run, and of its helpers in the lower 16 bits
	busy    atomic.Int64  // helpers that have not returned from it
	quit    chan struct{}

	task  workerTask
	parts int
	next  atomic.Int64
	fault atomic.Pointer[fault]

	plain   plainTask
	loop    loopTask
	gemm    gemmTask
	tiles   tileTask
	hand    handOver
	int8    int8Task
	bias    []float32 // of the product under way, if it rounds
	scratch []scratch // by worker
}

// A workerTask also learns which worker runs the part, to find its scratch.
type workerTask interface{ runOn(worker, part int) }

type plainTask struct{ Task }

func (t *plainTask) runOn(_, part int) { t.Run(part) }

type fault struct{ value any }

// NewPool starts a pool of the given number of workers, the caller included.
func NewPool(workers int) *Pool {
	p := &Pool{workers: max(workers, 1)}
	p.scratch = make([]scratch, p.workers)
	p.quit = make(chan struct{})
	p.helpers = make([]helper, p.workers)
	for w := 1; w < p.workers; w++ {
		p.helpers[w].wake = make(chan struct{}, 1)
		go p.help(w)
	}
	return p
}

// Workers is the number of workers, the caller included; 1 for a nil pool.
func (p *Pool) Workers() int {
	if p == nil {
		return 1
	}
	return p.workers
}

// Rounds reports whether products round their operands to BF16, or I8 where the second
// one is quantised. Without matrix units, products in I8 by other matrices round nothing.
func (p *Pool) Rounds() bool {
	return p != nil && (p.Compute == BF16 || p.Compute == I8 && MatrixUnits())
}

// Step has products use Steps, if it says anything, and returns what they used before,
// for Prompt.
func (p *Pool) Step() (before DType) {
	if p == nil {
		return F32
	}
	before = p.Compute
	if p.Steps != F32 {
		p.Compute = p.Steps
	}
	return before
}

// Prompt ends what Step began.
func (p *Pool) Prompt(before DType) {
	if p != nil {
		p.Compute = before
	}
}

// Close ends the workers. The pool must not be used afterwards; a nil pool needs no Close.
func (p *Pool) Close() {
	if p != nil {
		close(p.quit)
	}
}

// Run runs t.Run(part) for every part in [0, parts) and returns when all are
// done. It allocates nothing: keep a reusable task rather than a closure. A
// panic of a part reaches the caller.
func (p *Pool) Run(parts int, t Task) {
	if p == nil {
		for i := range parts {
			t.Run(i)
		}
		return
	}
	p.plain.Task = t
	p.run(parts, &p.plain)
	p.plain.Task = nil
}

// For calls f on ranges that cover [0, n), each of at least grain elements
// except the last, and returns when all are done.
func (p *Pool) For(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	if p.Workers() == 1 || n <= grain {
		f(0, n)
		return
	}
	// Four ranges per worker even out workers of unequal speed.
	size := max(grain, (n+4*p.workers-1)/(4*p.workers))
	p.loop = loopTask{n: n, size: size, f: f}
	p.run((n+size-1)/size, &p.loop)
	p.loop.f = nil
}

type loopTask struct {
	n, size int
	f       func(lo, hi int)
}

func (t *loopTask) runOn(_, part int) { t.f(part*t.size, min((part+1)*t.size, t.n)) }

func (p *Pool) run(parts int, t workerTask) {
	helpers := min(p.workers, parts) - 1
	if helpers <= 0 {
		for i := range parts {
			t.runOn(0, i)
		}
		return
	}
	p.task, p.parts = t, parts
	p.next.Store(0)
	p.busy.Store(int64(helpers))
	p.call.Store((p.call.Load()>>16+1)<<16 | uint64(helpers))
	for w := 1; w <= helpers; w++ {
		if h := &p.helpers[w]; h.parked.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
	p.work(0)
	for spins := 1; p.busy.Load() > 0; spins++ {
		if spins%spinsToYield == 0 {
			runtime.Gosched()
		}
	}
	p.task = nil
	if f := p.fault.Swap(nil); f != nil {
		panic(f.value)
	}
}

// A helper is a worker beside the caller. It looks for the next run for a while
// before it parks: to be woken takes longer than most products of a single token.
type helper struct {
	parked atomic.Bool
	wake   chan struct{}
}

const (
	spinsToYield = 64      // looks at a word of memory before other goroutines get a turn
	spinsToPark  = 1 << 15 // some 50 µs
)

func (p *Pool) help(worker int) {
	h, last := &p.helpers[worker], uint64(0)
	for spins := 1; ; spins++ {
		if call := p.call.Load(); call != last {
			last, spins = call, 0
			if worker <= int(call&0xffff) {
				p.work(worker)
				p.busy.Add(-1)
			}
			continue
		}
		if spins%spinsToYield == 0 {
			runtime.Gosched()
		}
		if spins < spinsToPark {
			continue
		}
		spins = 0
		h.parked.Store(true)
		if p.call.Load() != last && h.parked.CompareAndSwap(true, false) {
			continue // a run began meanwhile, and its caller saw nobody parked
		}
		select {
		case <-h.wake:
		case <-p.quit:
			return
		}
	}
}

// work claims parts until none is left. A panic ends the claiming on every worker.
func (p *Pool) work(worker int) {
	defer func() {
		if v := recover(); v != nil {
			p.fault.CompareAndSwap(nil, &fault{v})
			p.next.Store(int64(p.parts))
		}
	}()
	for {
		part := int(p.next.Add(1)) - 1
		if part >= p.parts {
			return
		}
		p.task.runOn(worker, part)
	}
}
