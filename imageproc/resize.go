package imageproc

import (
	"fmt"
	"image"
)

// Resize returns src scaled to w by h pixels, equal to the last bit to Pillow's
// Image.resize with the horizontal pass first (every Pillow before 13).
func Resize(src *RGB, w, h int, f Filter) *RGB {
	return ResizeBox(src, src.Bounds(), w, h, f)
}

// ResizeBox scales the part of src inside from to w by h pixels, as the box
// argument of Pillow's Image.resize does: the filter may read pixels around the
// box. It panics when a size is not positive, or the box is empty or leaves src.
func ResizeBox(src *RGB, from Rect, w, h int, f Filter) *RGB {
	return resizeWindow(src, from, w, h, image.Rect(0, 0, w, h), f)
}

// resizeWindow is ResizeBox that computes only the pixels of the result inside
// win, so that a thin picture whose long edge is cropped away costs no memory.
func resizeWindow(src *RGB, from Rect, w, h int, win image.Rectangle, f Filter) *RGB {
	if w <= 0 || h <= 0 || !f.Valid() || !(from.X0 >= 0 && from.Y0 >= 0 && from.X0 < from.X1 &&
		from.Y0 < from.Y1 && from.X1 <= float64(src.W) && from.Y1 <= float64(src.H)) {
		panic(fmt.Sprintf("imageproc: resize: %v of a %dx%d picture to %dx%d, filter %v", from, src.W, src.H, w, h, f))
	}
	if f == Nearest {
		return nearest(src, from, w, h, win)
	}
	sameX := w == src.W && from.X0 == 0 && from.X1 == float64(src.W)
	sameY := h == src.H && from.Y0 == 0 && from.Y1 == float64(src.H)
	switch {
	case sameX && sameY:
		return src.Window(win.Min.X, win.Min.Y, win.Dx(), win.Dy(), Color{})
	case sameX:
		rows := spans(src.H, from.Y0, from.Y1, h, win.Min.Y, win.Max.Y, f)
		return vertical(src, rows, 0, win.Min.X, win.Max.X)
	case sameY:
		cols := spans(src.W, from.X0, from.X1, w, win.Min.X, win.Max.X, f)
		return horizontal(src, cols, win.Min.Y, win.Max.Y)
	}
	cols := spans(src.W, from.X0, from.X1, w, win.Min.X, win.Max.X, f)
	rows := spans(src.H, from.Y0, from.Y1, h, win.Min.Y, win.Max.Y, f)
	last := rows[len(rows)-1]
	first, end := rows[0].from, last.from+len(last.w)
	return vertical(horizontal(src, cols, first, end), rows, first, 0, len(cols))
}

// nearest picks for each destination pixel the source pixel under its centre.
func nearest(src *RGB, from Rect, w, h int, win image.Rectangle) *RGB {
	xs := nearestIndex(from.X0, from.X1, w, win.Min.X, win.Max.X, src.W)
	ys := nearestIndex(from.Y0, from.Y1, h, win.Min.Y, win.Max.Y, src.H)
	dst := NewRGB(len(xs), len(ys))
	for j, y := range ys {
		row, out := src.row(y), dst.row(j)
		for i, x := range xs {
			copy(out[3*i:3*i+3], row[3*x:3*x+3])
		}
	}
	return dst
}

// nearestIndex adds the step up, rather than multiplying, because Pillow does
// and the sums' rounding decides ties.
func nearestIndex(in0, in1 float64, out, lo, hi, n int) []int {
	step := (in1 - in0) / float64(out)
	at := in0 + float64(step*0.5)
	idx := make([]int, 0, hi-lo)
	for i := range hi {
		if i >= lo {
			idx = append(idx, min(int(at), n-1))
		}
		at += step
	}
	return idx
}
