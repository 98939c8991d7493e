package ops

import (
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Grid is a map of H lines of W rows, stored line by line.
type Grid struct{ H, W int }

// Len is the number of rows.
func (g Grid) Len() int { return g.H * g.W }

// Kernel is how Interpolate weighs neighbours.
type Kernel uint8

// The kernels of torch's interpolate without antialiasing. Its cubic has a =
// -0.75, not Pillow's -0.5. Places are the middles of equal parts of an axis
// (align_corners=False); of Corners2D, which is linear too, the first and last
// places are those of the map (align_corners=True). WideCubic2D is cubic, and its
// places are those of a map wider and higher by a tenth of a place, as DINOv2's
// authors take them.
const (
	Linear2D Kernel = iota
	Cubic2D
	Corners2D
	WideCubic2D
)

// Interpolate resamples x, a map of rows [from.Len(), n] of any float dtype, to
// [to.Len(), n]: y[i] = Σ w·x[j] over the 2×2 or 4×4 rows around place i, those
// outside of the map standing for its edge. Position tables are fitted to other
// picture sizes so, and maps of features reduced.
func Interpolate(c *tensor.Ctx, x *T, from, to Grid, k Kernel) *T {
	n := x.Cols()
	if x.Rows() != from.Len() || from.Len() < 1 || to.Len() < 1 {
		panic(fmt.Sprintf("ops: Interpolate: x %v as %v to %v", x.Shape, from, to))
	}
	y := c.New([]int{to.Len(), n}, x)
	a := interpolate{y: y.F32, x: floats(c, x), n: n, width: from.W, lines: taps(from.H, to.H, k), columns: taps(from.W, to.W, k)}
	each(c, to.Len(), 4*n, a, func(a *interpolate, lo, hi int) {
		for i := lo; i < hi; i++ {
			row := a.y[i*a.n : (i+1)*a.n]
			clear(row)
			a.around(i, func(j int, w float32) { kernel.Axpy(row, w, a.x[j*a.n:(j+1)*a.n]) })
		}
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.y, a.x = y.Grad(), x.Grad()
			eachStrip(c, to.Len(), n, a, func(a *interpolate, lo, hi int) {
				for i := range len(a.lines) * len(a.columns) {
					dy := a.y[i*a.n+lo : i*a.n+hi]
					a.around(i, func(j int, w float32) { kernel.Axpy(a.x[j*a.n+lo:j*a.n+hi], w, dy) })
				}
			})
		})
	}
	return y
}

type interpolate struct {
	y, x           []float32
	n, width       int
	lines, columns [][]tap
}

// tap is one place of an axis and its weight.
type tap struct {
	at int
	w  float32
}

// around calls f with the rows of x that row i of y is made of.
func (a *interpolate) around(i int, f func(j int, w float32)) {
	for _, l := range a.lines[i/len(a.columns)] {
		for _, c := range a.columns[i%len(a.columns)] {
			f(l.at*a.width+c.at, l.w*c.w)
		}
	}
}

// taps are the taps of every place of an axis of to places over one of from.
func taps(from, to int, k Kernel) [][]tap {
	out := make([][]tap, to)
	for i := range out {
		at := k.place(i, from, to)
		first := math.Floor(at)
		for d, w := range k.weights(at - first) {
			place := int(first) + d
			if k.cubic() {
				place--
			}
			out[i] = append(out[i], tap{min(max(place, 0), from-1), float32(w)})
		}
	}
	return out
}

// place is where place i of to places lies on an axis of from.
func (k Kernel) place(i, from, to int) float64 {
	switch at := (float64(i)+0.5)*float64(from)/float64(to) - 0.5; k {
	case Corners2D:
		return float64(i*(from-1)) / float64(max(to-1, 1))
	case Linear2D:
		return max(at, 0)
	case WideCubic2D:
		return (float64(i)+0.5)*float64(from)/(float64(to)+0.1) - 0.5
	default:
		return at
	}
}

// cubic reports whether four places of an axis count, not two.
func (k Kernel) cubic() bool { return k == Cubic2D || k == WideCubic2D }

// weights are those of the places around a point that lies t behind the last one before it.
func (k Kernel) weights(t float64) []float64 {
	if !k.cubic() {
		return []float64{1 - t, t}
	}
	const a = -0.75 // Keys 1981
	// The conversions keep products and sums from being fused, as they are on some platforms.
	near := func(x float64) float64 { return float64((float64((a+2)*x)-(a+3))*x*x) + 1 }
	far := func(x float64) float64 { return float64((float64((float64(a*x)-5*a)*x)+8*a)*x) - 4*a }
	return []float64{far(t + 1), near(t), near(1 - t), far(2 - t)}
}
