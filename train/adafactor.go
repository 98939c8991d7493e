package train

import (
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	adafactorDecay = 0.8   // the second moment's rate at update n is 1 - n^-0.8
	adafactorEps   = 1e-30 // added to squares
)

// adafactor divides gradients by the root of their second moment, of which it
// keeps, of a matrix, the means of rows and columns alone; without a first moment
// its memory is next to none. Steps whose root mean square is above one are scaled
// down to it. Shazeer and Stern 2018, https://arxiv.org/abs/1804.04235, with the
// stage's learning rate as it is (scale_parameter and relative_step are off).
type adafactor struct {
	pool *kernel.Pool
	sums []float64 // of rows
}

func (*adafactor) moments(w *tensor.Tensor) []moment {
	if len(w.Shape) != 2 {
		return []moment{{suffix: ".v", shape: w.Shape}}
	}
	return []moment{{suffix: ".r", shape: w.Shape[:1]}, {suffix: ".c", shape: w.Shape[1:]}}
}

func (r *adafactor) update(p *param, _ *Stage, lr, scale float64) {
	g := p.t.Grad()
	kernel.Scale(g, g, float32(scale))
	keep := 1 - math.Pow(float64(p.step), -adafactorDecay)
	rows, cols := 1, len(g)
	if len(p.moments) == 2 {
		rows, cols = p.t.Shape[0], p.t.Shape[1]
		r.factored(g, p.moments[0].x, p.moments[1].x, keep)
	} else {
		whole(g, p.moments[0].x, keep)
	}
	size := math.Sqrt(r.squares(g, rows, cols) / float64(len(g)))
	lr *= p.rate
	step := float32(-lr / max(1, size))
	r.pool.For(len(g), 1<<15, func(lo, hi int) {
		if p.decay != 0 {
			kernel.Scale(p.t.F32[lo:hi], p.t.F32[lo:hi], float32(1-float64(lr*p.decay)))
		}
		kernel.Axpy(p.t.F32[lo:hi], step, g[lo:hi])
	})
	p.t.ZeroGrad()
}

// whole turns a gradient into its update by a second moment of its own for each element.
func whole(g, v []float32, keep float64) {
	for i, x := range g {
		s := mixed(v[i], float64(float64(x)*float64(x))+adafactorEps, keep)
		v[i] = float32(s)
		g[i] = float32(float64(x) / math.Sqrt(s))
	}
}

// factored turns the gradient of a matrix into its update by the moments of rows
// and of columns. Sums are taken in one order whatever the number of workers.
func (r *adafactor) factored(g, row, col []float32, keep float64) {
	rows, cols := len(row), len(col)
	grain := 1 + 1<<15/max(1, cols)
	r.pool.For(rows, grain, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row[i] = float32(mixed(row[i], sumSquares(g[i*cols:(i+1)*cols])/float64(cols)+adafactorEps, keep))
		}
	})
	r.pool.For(cols, 1+1<<15/max(1, rows), func(lo, hi int) {
		sums := make([]float64, hi-lo)
		for i := range rows {
			for k, x := range g[i*cols+lo : i*cols+hi] {
				sums[k] += float64(float64(x) * float64(x))
			}
		}
		for k, s := range sums {
			col[lo+k] = float32(mixed(col[lo+k], s/float64(rows)+adafactorEps, keep))
		}
	})
	mean := 0.0
	for _, x := range row {
		mean += float64(x)
	}
	mean /= float64(rows)
	r.pool.For(rows, grain, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			factor := math.Sqrt(mean / float64(row[i]))
			line := g[i*cols : (i+1)*cols]
			for k, x := range line {
				line[k] = float32(float64(x) * factor / math.Sqrt(float64(col[k])))
			}
		}
	})
}

// squares is the sum of the squares of a matrix, row by row.
func (r *adafactor) squares(g []float32, rows, cols int) (sum float64) {
	if len(r.sums) < rows {
		r.sums = make([]float64, rows)
	}
	r.pool.For(rows, 1+1<<15/max(1, cols), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.sums[i] = sumSquares(g[i*cols : (i+1)*cols])
		}
	})
	for _, s := range r.sums[:rows] {
		sum += s
	}
	return sum
}

func sumSquares(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return sum
}

// mixed is a running mean that keeps a share of what it was.
func mixed(was float32, now, keep float64) float64 {
	return float64(keep*float64(was)) + float64((1-keep)*now)
}
