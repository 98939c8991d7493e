package imageproc

import (
	"errors"
	"fmt"
	"image"
)

// Limits on what a processor may compute. Only the window of a step is ever
// held in memory, but its axes are indexed over the whole scaled side.
const (
	maxScaledSide   = 1 << 26
	maxWindowPixels = 1 << 26
)

// Step is one geometric stage of a [Processor]. Every step is a scaling
// followed by a window; those in this package are all there are.
type Step interface {
	fmt.Stringer
	place(w, h int) placement
}

// placement scales a picture to w by h pixels and takes the window win of the
// result; fill is what a window that sticks out shows.
type placement struct {
	w, h   int
	filter Filter
	win    image.Rectangle
	fill   Color
	err    error // why the picture cannot be placed
}

// ResizeTo scales to exactly W by H pixels; the aspect ratio is not kept.
type ResizeTo struct {
	W, H   int
	Filter Filter
}

func (s ResizeTo) String() string { return fmt.Sprintf("resize %dx%d %v", s.W, s.H, s.Filter) }

func (s ResizeTo) place(int, int) placement { return scaled(s.W, s.H, s.Filter) }

// ResizeShortest scales so that the shorter side has Edge pixels and the longer
// one int(Edge*long/short).
type ResizeShortest struct {
	Edge   int
	Filter Filter
}

func (s ResizeShortest) String() string {
	return fmt.Sprintf("resize shortest %d %v", s.Edge, s.Filter)
}

func (s ResizeShortest) place(w, h int) placement {
	long := int(float64(s.Edge) * float64(max(w, h)) / float64(min(w, h)))
	if w <= h {
		return scaled(s.Edge, long, s.Filter)
	}
	return scaled(long, s.Edge, s.Filter)
}

// CenterCrop takes the W by H pixels in the middle. A picture that is too small
// is padded with black, the odd pixel before it.
type CenterCrop struct{ W, H int }

func (s CenterCrop) String() string { return fmt.Sprintf("crop %dx%d", s.W, s.H) }

func (s CenterCrop) place(w, h int) placement {
	x, y := cropStart(w, s.W), cropStart(h, s.H)
	return placement{w: w, h: h, win: image.Rect(x, y, x+s.W, y+s.H)}
}

// cropStart returns where a centred crop of size out begins on an axis of n
// pixels; it is negative when the axis is padded.
func cropStart(n, out int) int {
	if n >= out {
		return (n - out) / 2
	}
	return -((out - n + 1) / 2)
}

// PadSquare centres the picture on a square of its longer side (the expand2square
// of LLaVA), the odd pixel after it.
type PadSquare struct{ Color Color }

func (s PadSquare) String() string {
	return fmt.Sprintf("pad square #%02x%02x%02x", s.Color[0], s.Color[1], s.Color[2])
}

func (s PadSquare) place(w, h int) placement {
	n := max(w, h)
	x, y := -((n - w) / 2), -((n - h) / 2)
	return placement{w: w, h: h, win: image.Rect(x, y, x+n, y+n), fill: s.Color}
}

// scaled returns the placement that scales and shows everything.
func scaled(w, h int, f Filter) placement {
	return placement{w: w, h: h, filter: f, win: image.Rect(0, 0, w, h)}
}

// then joins p, which must show everything, with a next that does not scale.
func (p placement) then(next placement) placement {
	next.w, next.h, next.filter = p.w, p.h, p.filter
	return next
}

// showsAll reports whether the window is the whole scaled picture.
func (p placement) showsAll() bool { return p.win == image.Rect(0, 0, p.w, p.h) }

func (p placement) check() error {
	if p.err != nil {
		return p.err
	}
	if p.w < 1 || p.h < 1 {
		return errors.New("the scaled picture has no pixels")
	}
	if max(p.w, p.h) > maxScaledSide {
		return fmt.Errorf("the scaled picture would be %d×%d pixels: too long and thin", p.w, p.h)
	}
	if w, h := p.win.Dx(), p.win.Dy(); max(w, h) > maxScaledSide || w*h > maxWindowPixels {
		return fmt.Errorf("the result would be %d×%d pixels, more than the limit of %d", w, h, maxWindowPixels)
	}
	return nil
}

// apply computes the placement of src.
func (p placement) apply(src *RGB) *RGB {
	seen := p.win.Intersect(image.Rect(0, 0, p.w, p.h))
	if seen.Empty() {
		return src.Window(src.W, src.H, p.win.Dx(), p.win.Dy(), p.fill)
	}
	if p.w != src.W || p.h != src.H {
		src = resizeWindow(src, src.Bounds(), p.w, p.h, seen, p.filter)
	} else {
		src = src.Window(seen.Min.X, seen.Min.Y, seen.Dx(), seen.Dy(), p.fill)
	}
	at := p.win.Min.Sub(seen.Min)
	return src.Window(at.X, at.Y, p.win.Dx(), p.win.Dy(), p.fill)
}
