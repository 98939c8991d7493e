package imageproc

import (
	"fmt"
	"image"
)

// Tiling cuts pictures into squares that an encoder sees beside the whole
// picture (anyres of LLaVA-NeXT, https://llava-vl.github.io/blog/2024-01-30-llava-next/):
// the picture is scaled into the best of several sizes, its aspect kept, and
// centred there on black.
type Tiling struct {
	Sizes  []image.Point // width and height in pixels; whole numbers of tiles
	Side   int           // of a tile
	Filter Filter
}

// NewTiling makes tiles of a side in pixels for pictures that are fitted to one of
// several heights and widths.
func NewTiling(heightsAndWidths [][]int, side int, f Filter) (Tiling, error) {
	sizes, err := pinpoints(heightsAndWidths, side)
	if err != nil {
		return Tiling{}, fmt.Errorf("imageproc: tiles: %w", err)
	}
	return Tiling{Sizes: sizes, Side: side, Filter: f}, nil
}

func (t *Tiling) String() string { return fmt.Sprintf("tiles %dx%d", t.Side, t.Side) }

// best is the size that shows most of a picture of w by h pixels and, among
// those, wastes least; the first of equals.
func (t *Tiling) best(w, h int) image.Point {
	var best image.Point
	most, least := -1, 0
	for _, s := range t.Sizes {
		scale := min(float64(s.X)/float64(w), float64(s.Y)/float64(h))
		shown := min(int(float64(w)*scale)*int(float64(h)*scale), w*h)
		if waste := s.X*s.Y - shown; shown > most || shown == most && waste < least {
			best, most, least = s, shown, waste
		}
	}
	return best
}

// Grid is the number of tiles across and down that a picture of w by h pixels becomes.
func (t *Tiling) Grid(w, h int) (cols, rows int) {
	s := t.best(w, h)
	return s.X / t.Side, s.Y / t.Side
}

// tiles are the steps that show each tile, row by row.
func (t *Tiling) tiles(w, h int) []Step {
	size := t.best(w, h)
	scaled := inside(w, h, size)
	var steps []Step
	for y := 0; y < size.Y; y += t.Side {
		for x := 0; x < size.X; x += t.Side {
			at := image.Pt(x-(size.X-scaled.X)/2, y-(size.Y-scaled.Y)/2)
			steps = append(steps, tile{scaled, image.Rectangle{at, at.Add(image.Pt(t.Side, t.Side))}, t.Filter})
		}
	}
	return steps
}

// inside is the size of a picture scaled to touch the sides of a box.
func inside(w, h int, box image.Point) image.Point {
	sx, sy := float64(box.X)/float64(w), float64(box.Y)/float64(h)
	if sx < sy {
		return image.Pt(box.X, min(ceil(float64(h)*sx), box.Y))
	}
	return image.Pt(min(ceil(float64(w)*sy), box.X), box.Y)
}

// ceil stays small where the box is.
func ceil(x float64) int {
	n := int(x)
	if float64(n) < x {
		n++
	}
	return n
}

// tile shows a window of the scaled picture; around the picture it is black.
type tile struct {
	scaled image.Point
	win    image.Rectangle
	filter Filter
}

func (t tile) String() string { return fmt.Sprintf("tile %v of %v", t.win, t.scaled) }

func (t tile) place(int, int) placement {
	return placement{w: t.scaled.X, h: t.scaled.Y, filter: t.filter, win: t.win}
}
