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
