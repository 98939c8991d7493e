package train

import (
	"math"
	"strings"
	"sync/atomic"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// muon updates matrices with a momentum whose singular values have all been made
// nearly one, so that rare directions learn as fast as common ones. Jordan et al.
// 2024, https://kellerjordan.github.io/posts/muon/; steps are as long as AdamW's
// and decay as there: Liu et al. 2025, https://arxiv.org/abs/2502.16982.
type muon struct {
	params  []*param // to be updated now
	lr      float64
	scale   float64
	next    atomic.Int64
	workers []muonWorker
}

// muonWorker is the memory of one worker.
type muonWorker struct {
	pool       *kernel.Pool // of one: a task must not use the pool it runs on
	x, y, a, b []float32
}

const (
	muonMomentum = 0.95
	muonLength   = 0.2 // root mean square of a step's elements for a rate of one, as AdamW's often is
)

// forMuon tells the matrices of layers, which muon is for, from tables, whose
// rows are used one by one, and from the output layer over the vocabulary.
func forMuon(name string, w *tensor.Tensor) bool {
	return len(w.Shape) == 2 && !strings.Contains(name, "embed") && !strings.Contains(name, "lm_head")
}

func (*muon) moments(w *tensor.Tensor) []moment { return []moment{{suffix: ".m", shape: w.Shape}} }

// update lists a parameter for flush.
func (o *muon) update(p *param, _ *Stage, _, _ float64) { o.params = append(o.params, p) }

// flush moves the listed parameters, each of them on one worker.
func (o *muon) flush(pool *kernel.Pool, lr, scale float64) {
	if len(o.params) == 0 {
		return
	}
	o.lr, o.scale = lr, scale
	n := min(pool.Workers(), len(o.params))
	for len(o.workers) < n {
		o.workers = append(o.workers, muonWorker{pool: kernel.NewPool(1)})
	}
	o.next.Store(0)
	pool.Run(n, o)
	o.params = o.params[:0]
}

// Run is one worker: it takes parameters until there are none left.
func (o *muon) Run(part int) {
	for {
		i := int(o.next.Add(1)) - 1
		if i >= len(o.params) {
			return
		}
		o.step(&o.workers[part], o.params[i])
	}
}

// step is one update with Nesterov's momentum.
func (o *muon) step(w *muonWorker, p *param) {
	g, lr, m := p.t.Grad(), o.lr*p.rate, p.moments[0].x
	kernel.Scale(m, m, muonMomentum)
	kernel.Axpy(m, float32(o.scale), g)
	w.x = sized(w.x, len(g))
	kernel.Scale(w.x, m, muonMomentum)
	kernel.Axpy(w.x, float32(o.scale), g)
	p.t.ZeroGrad()
	rows, cols := p.t.Shape[0], p.t.Shape[1]
	w.orthogonalize(rows, cols)
	kernel.Scale(p.t.F32, p.t.F32, float32(1-float64(lr*p.decay)))
	kernel.Axpy(p.t.F32, float32(-lr*muonLength*math.Sqrt(float64(max(rows, cols)))), w.x)
}

// orthogonalize replaces x [rows, cols], U·S·Vᵀ, by nearly U·Vᵀ: a few steps of an
// iteration x ← (3.4445 + (-4.7750 + 2.0315·a)·a)·x with a = x·xᵀ, which brings
// singular values to between 0.7 and 1.2.
func (w *muonWorker) orthogonalize(rows, cols int) {
	n := min(rows, cols)
	w.y, w.a, w.b = sized(w.y, rows*cols), sized(w.a, n*n), sized(w.b, n*n)
	kernel.Scale(w.x, w.x, float32(1/(math.Sqrt(kernel.SumSquares(w.x))+1e-7)))
	x, y := kernel.F32Mat(w.x, rows, cols), kernel.F32Mat(w.y, rows, cols)
	a, b := kernel.F32Mat(w.a, n, n), kernel.F32Mat(w.b, n, n)
	for range 5 {
		if rows <= cols {
			w.pool.GemmNT(a, x, x, false)
		} else {
			w.pool.GemmTN(a, x, x, false)
		}
		w.pool.GemmNN(b, a, a, false)
		kernel.Scale(w.b, w.b, 2.0315)
		kernel.Axpy(w.b, -4.7750, w.a)
		for i := range n {
			w.b[i*n+i] += 3.4445
		}
		if rows <= cols {
			w.pool.GemmNN(y, b, x, false)
		} else {
			w.pool.GemmNN(y, x, b, false)
		}
		copy(w.x, w.y)
	}
}

// sized returns s with n elements of whatever value.
func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
