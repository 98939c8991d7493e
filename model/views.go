package model

import (
	"fmt"
	"image"

	"github.com/fovea-ml/fovea/tensor"
)

// Views are the pictures that one encoder looks at, one after another. Their
// sizes may differ where the encoder allows it.
type Views struct {
	Pixels []float32     // of each view [3, height, width], normalised; of several frames [frames, 3, height, width]
	Sizes  []image.Point // of each view, in pixels

	// Frames is how many pictures each view is made of, one after another in time. Nil: one each.
	Frames []int
}

// Depth is the number of pictures that a view is made of.
func (v *Views) Depth(view int) int {
	if v.Frames == nil {
		return 1
	}
	return v.Frames[view]
}

// Part are the views from lo to hi, sharing their pixels.
func (v *Views) Part(lo, hi int) *Views {
	out := &Views{Sizes: v.Sizes[lo:hi]}
	if v.Frames != nil {
		out.Frames = v.Frames[lo:hi]
	}
	from, to := 0, 0
	for i, s := range v.Sizes[:hi] {
		n := 3 * s.X * s.Y * v.Depth(i)
		if to += n; i < lo {
			from += n
		}
	}
	out.Pixels = v.Pixels[from:to]
	return out
}

// Append adds the views of w.
func (v *Views) Append(w *Views) {
	if v.Frames != nil || w.Frames != nil {
		for i := len(v.Frames); i < len(v.Sizes); i++ {
			v.Frames = append(v.Frames, 1)
		}
		for i := range w.Sizes {
			v.Frames = append(v.Frames, w.Depth(i))
		}
	}
	v.Pixels = append(v.Pixels, w.Pixels...)
	v.Sizes = append(v.Sizes, w.Sizes...)
}

// Size is that of every view; it panics if they differ.
func (v *Views) Size() image.Point {
	for _, s := range v.Sizes {
		if s != v.Sizes[0] {
			panic(fmt.Sprintf("model: views of %v and of %v pixels in one batch", v.Sizes[0], s))
		}
	}
	return v.Sizes[0]
}

// Tensor are the pixels of views of one size as [views, 3, height, width].
func (v *Views) Tensor() *tensor.Tensor {
	s := v.Size()
	return tensor.From(v.Pixels, len(v.Sizes), 3, s.Y, s.X)
}
