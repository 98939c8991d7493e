package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// DepthwiseConv convolves every channel of x [n, h, w, channels] with a square
// of its own, w [channels, side·side], side odd, and adds b [channels]; both may
// be of any float dtype. Outside of the map are zeros, and the shape stays:
//
//	y[i, j, c] = b[c] + Σ w[c, u·side+v] · x[i+u-side/2, j+v-side/2, c]
func DepthwiseConv(c *tensor.Ctx, x, w, b *T) *T {
	if len(x.Shape) != 4 || w.Rows() != x.Shape[3] || b.Len() != w.Rows() || !oddSquare(w.Cols()) {
		panic(fmt.Sprintf("ops: DepthwiseConv: x %v, w %v, b %v", x.Shape, w.Shape, b.Shape))
	}
	y := c.New(x.Shape, x, w, b)
	a := depthwise{y: y.F32, x: x.F32, w: c.Scratch(w.Len()), b: floats(c, b), h: x.Shape[1], width: x.Shape[2], n: x.Shape[3]}
	a.side = root(w.Cols())
	transpose(a.w, floats(c, w), a.n)
	each(c, x.Rows(), w.Len(), a, (*depthwise).forward)
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.y, a.dx = y.Grad(), gradOf(c, x)
			if a.dx != nil {
				each(c, x.Rows(), w.Len(), a, (*depthwise).backward)
			}
			if w.NeedsGrad() {
				a.weightGrad(c, w.Grad())
			}
			if b.NeedsGrad() {
				sumRows(c, b.Grad(), a.y)
			}
		})
	}
	return y
}

type depthwise struct {
	y, x, w, b        []float32 // w as [side·side, channels]
	dx, dw            []float32
	h, width, n, side int
}

func (a *depthwise) forward(lo, hi int) {
	for i := lo; i < hi; i++ {
		row := a.y[i*a.n : (i+1)*a.n]
		copy(row, a.b)
		a.around(i, 1, func(j, k int) { kernel.MulAdd(row, a.x[j*a.n:(j+1)*a.n], a.w[k*a.n:(k+1)*a.n]) })
	}
}

// backward gathers for each place what it gave to those around it.
func (a *depthwise) backward(lo, hi int) {
	for i := lo; i < hi; i++ {
		row := a.dx[i*a.n : (i+1)*a.n]
		a.around(i, -1, func(j, k int) { kernel.MulAdd(row, a.y[j*a.n:(j+1)*a.n], a.w[k*a.n:(k+1)*a.n]) })
	}
}

// weightGrad adds to dw [channels, side·side]. Each place of the square has one owner.
func (a depthwise) weightGrad(c *tensor.Ctx, dw []float32) {
	a.dw = c.Scratch(len(dw))
	each(c, a.side*a.side, len(a.x), a, func(a *depthwise, lo, hi int) {
		clear(a.dw[lo*a.n : hi*a.n])
		for i := range len(a.x) / a.n {
			a.around(i, 1, func(j, k int) {
				if k >= lo && k < hi {
					kernel.MulAdd(a.dw[k*a.n:(k+1)*a.n], a.y[i*a.n:(i+1)*a.n], a.x[j*a.n:(j+1)*a.n])
				}
			})
		}
	})
	square := len(dw) / a.n
	for i := range dw {
		dw[i] += a.dw[i%square*a.n+i/square]
	}
}

// around calls f with every place j of the map that place i reads, or with
// direction -1 is read by, and the place k of the square that stands between.
func (a *depthwise) around(i, direction int, f func(j, k int)) {
	view, line, column := i/(a.h*a.width), i/a.width%a.h, i%a.width
	for k := range a.side * a.side {
		l := line + direction*(k/a.side-a.side/2)
		c := column + direction*(k%a.side-a.side/2)
		if l >= 0 && l < a.h && c >= 0 && c < a.width {
			f((view*a.h+l)*a.width+c, k)
		}
	}
}

// transpose turns x [rows, ·] around into dst.
func transpose(dst, x []float32, rows int) {
	cols := len(x) / rows
	for i, v := range x {
		dst[i%cols*rows+i/cols] = v
	}
}

func root(n int) int {
	r := 0
	for r*r < n {
		r++
	}
	return r
}

func oddSquare(n int) bool { return root(n)*root(n) == n && root(n)%2 == 1 }
