package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// Patches cuts pixels [n, channels, h, w] into squares of size×size:
// [n·(h/size)·(w/size), channels·size·size]. Patches are in row-major order, the
// elements of one in the order (channel, y, x) of a flattened Conv2d weight: a
// convolution whose stride is its kernel size is Linear of Patches. What is left
// over at the right and bottom edge is dropped, as the convolution does.
func Patches(c *tensor.Ctx, pixels *T, size int) *T {
	if len(pixels.Shape) != 4 || size < 1 {
		panic(fmt.Sprintf("ops: Patches: pixels %v, size %d, want [n, channels, h, w]", pixels.Shape, size))
	}
	n, ch, h, w := pixels.Shape[0], pixels.Shape[1], pixels.Shape[2], pixels.Shape[3]
	a := patches{pixels: pixels.F32, ch: ch, h: h, w: w, size: size}
	y := c.New([]int{n * (h / size) * (w / size), ch * size * size}, pixels)
	a.y = y.F32
	each(c, y.Rows(), y.Cols(), a, func(a *patches, lo, hi int) {
		a.runs(lo, hi, func(patch, pixels []float32) { copy(patch, pixels) })
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.y, a.pixels = y.Grad(), pixels.Grad()
			each(c, y.Rows(), y.Cols(), a, func(a *patches, lo, hi int) {
				a.runs(lo, hi, func(patch, pixels []float32) { kernel.AddTo(pixels, patch) })
			})
		})
	}
	return y
}

// MapPatches is Patches for a map x [n, h, w, channels], the channels of a place
// together, as layers between the first and the last see it. The outcome is the
// same: [n·(h/size)·(w/size), channels·size·size], the elements of a patch in the
// order (channel, y, x).
func MapPatches(c *tensor.Ctx, x *T, size int) *T {
	if len(x.Shape) != 4 || size < 1 {
		panic(fmt.Sprintf("ops: MapPatches: x %v, size %d, want [n, h, w, channels]", x.Shape, size))
	}
	n, h, w, ch := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	a := patches{pixels: x.F32, ch: ch, h: h, w: w, size: size}
	y := c.New([]int{n * (h / size) * (w / size), ch * size * size}, x)
	a.y = y.F32
	each(c, y.Rows(), y.Cols(), a, func(a *patches, lo, hi int) {
		a.elements(lo, hi, func(to, from int) { a.y[to] = a.pixels[from] })
	})
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.y, a.pixels = y.Grad(), x.Grad()
			each(c, y.Rows(), y.Cols(), a, func(a *patches, lo, hi int) {
				a.elements(lo, hi, func(to, from int) { a.pixels[from] += a.y[to] })
			})
		})
	}
	return y
}

type patches struct {
	y, pixels      []float32
	ch, h, w, size int
}

// runs calls f on every run of elements that lie together in a patch and in the
// pixels, for patches [lo, hi).
func (a *patches) runs(lo, hi int, f func(patch, pixels []float32)) {
	s, cols := a.size, a.w/a.size
	each := a.h / s * cols
	at := lo * a.ch * s * s
	for i := lo; i < hi; i++ {
		image, row, col := i/each, i%each/cols*s, i%cols*s
		for ch := range a.ch {
			for y := range s {
				from := ((image*a.ch+ch)*a.h+row+y)*a.w + col
				f(a.y[at:at+s], a.pixels[from:from+s])
				at += s
			}
		}
	}
}

// elements calls f for every element of patches [lo, hi) and where it lies in a
// map whose channels are together.
func (a *patches) elements(lo, hi int, f func(to, from int)) {
	s, cols := a.size, a.w/a.size
	each := a.h / s * cols
	for i := lo; i < hi; i++ {
		image, row, col := i/each, i%each/cols*s, i%cols*s
		for place := range s * s {
			from := ((image*a.h+row+place/s)*a.w + col + place%s) * a.ch
			for ch := range a.ch {
				f((i*a.ch+ch)*s*s+place, from+ch)
			}
		}
	}
}
