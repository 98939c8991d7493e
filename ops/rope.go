package ops

import (
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Rotary holds the angles of rotary position embeddings for the tokens of one
// forward pass; all layers share it.
type Rotary struct {
	Cos, Sin []float32 // [tokens, Dim/2]
	Dim      int       // width of a head that is rotated, from its start; at most HeadDim
	HeadDim  int       // width of a head

	Interleaved bool // turn neighbours, the layout of llama.cpp's llama, instead of halves
}

// RoPE rotates every head of x [tokens, heads·HeadDim] by the angles of its
// token: with h = Dim/2, the pair (x[i], x[i+h]) becomes
// (x[i]·cos - x[i+h]·sin, x[i+h]·cos + x[i]·sin) for i < h, the half-split
// convention of transformers (Su et al. 2021, https://arxiv.org/abs/2104.09864).
// Interleaved, the pairs are (x[2i], x[2i+1]) as in that paper. What lies beyond
// Dim passes through.
func RoPE(c *tensor.Ctx, x *T, r *Rotary) *T {
	m, n, h := x.Rows(), x.Cols(), r.Dim/2
	if r.HeadDim < 1 || n%r.HeadDim != 0 || r.Dim%2 != 0 || r.Dim > r.HeadDim || len(r.Cos) != m*h || len(r.Sin) != m*h {
		panic(fmt.Sprintf("ops: RoPE: x %v, heads of %d, %d rotated, %d cosines, %d sines",
			x.Shape, r.HeadDim, r.Dim, len(r.Cos), len(r.Sin)))
	}
	turn, back := r.kernels()
	y := c.New(x.Shape, x)
	each(c, m, n, rope{y: y.F32, x: x.F32, n: n, r: r, turn: turn}, func(a *rope, lo, hi int) {
		copy(a.y[lo*a.n:hi*a.n], a.x[lo*a.n:hi*a.n])
		for i := lo; i < hi; i++ {
			a.rotate(a.y[i*a.n:(i+1)*a.n], i)
		}
	})
	if y.NeedsGrad() {
		// Nothing reads y's gradient after this, so that it is rotated in place.
		c.Record(y, func() {
			each(c, m, n, rope{y: y.Grad(), n: n, r: r, turn: back}, func(a *rope, lo, hi int) {
				for i := lo; i < hi; i++ {
					a.rotate(a.y[i*a.n:(i+1)*a.n], i)
				}
			})
			pass(c, x, y)
		})
	}
	return y
}

// kernels are the rotation of one head and its inverse.
func (r *Rotary) kernels() (turn, back func(x, cos, sin []float32)) {
	if r.Interleaved {
		return kernel.RoPEPairs, kernel.RoPEPairsInverse
	}
	return kernel.RoPE, kernel.RoPEInverse
}

type rope struct {
	y, x []float32
	n    int
	r    *Rotary
	turn func(x, cos, sin []float32)
}

// rotate turns the heads of one row by the angles of token i.
func (a *rope) rotate(row []float32, i int) {
	h := a.r.Dim / 2
	cos, sin := a.r.Cos[i*h:(i+1)*h], a.r.Sin[i*h:(i+1)*h]
	for at := 0; at < len(row); at += a.r.HeadDim {
		a.turn(row[at:at+2*h], cos, sin)
	}
}

// Rotary2D returns the angles of positions in two axes for heads of the given
// width: the first half of the pairs turns by y, the second by x, each half with
// the frequencies base^(-2i/(width/2)) of its own.
func Rotary2D(width int, base float64, y, x []int32) *Rotary {
	half, quarter := width/2, width/4
	freq := make([]float32, quarter)
	for i := range freq {
		freq[i] = float32(1 / math.Pow(base, float64(2*i)/float64(half)))
	}
	r := &Rotary{Cos: make([]float32, len(y)*half), Sin: make([]float32, len(y)*half), Dim: width, HeadDim: width}
	for i := range y {
		for k := range half {
			pos := y[i]
			if k >= quarter {
				pos = x[i]
			}
			sin, cos := math.Sincos(float64(float32(pos) * freq[k%quarter]))
			r.Cos[i*half+k], r.Sin[i*half+k] = float32(cos), float32(sin)
		}
	}
	return r
}
