package imageproc

import (
	"fmt"
	"image"
	"math"
	"slices"
)

// DynamicTiling cuts pictures into squares as InternVL does (Chen et al. 2024,
// https://arxiv.org/abs/2404.16821): of all arrangements of Min to Max tiles the
// one whose aspect ratio is closest to the picture's is filled, without keeping the
// aspect. The view of the whole, a thumbnail, comes behind its tiles; a picture
// that is one tile has none.
type DynamicTiling struct {
	Min, Max  int // tiles
	Side      int // of a tile and of the thumbnail
	Thumbnail bool
	Filter    Filter
}

// maxDynamic bounds the tiles of a picture; published models have at most 40.
const maxDynamic = 256

func (t *DynamicTiling) String() string {
	s := fmt.Sprintf("%d to %d tiles %dx%d", t.Min, t.Max, t.Side, t.Side)
	if t.Thumbnail {
		s += " and thumbnail"
	}
	return s
}

func (t *DynamicTiling) check() error {
	if t.Min < 1 || t.Max < t.Min || t.Max > maxDynamic {
		return fmt.Errorf("%d to %d tiles, want 1 to %d at most", t.Min, t.Max, maxDynamic)
	}
	if err := checkEdge("the side of a tile", t.Side); err != nil {
		return err
	}
	if n := int64(t.Max) * int64(t.Side) * int64(t.Side); n > maxWindowPixels {
		return fmt.Errorf("%d tiles of %d pixels a side have %d pixels, more than the limit of %d", t.Max, t.Side, n, maxWindowPixels)
	}
	return nil
}

// arrangements are all of Min to Max tiles, columns and rows, those of fewer first.
// Of as many tiles, narrow ones are first, as in transformers; InternVL's own code
// takes them in the order of a Python set.
func (t *DynamicTiling) arrangements() (all []image.Point) {
	for cols := 1; cols <= t.Max; cols++ {
		for rows := max(1, (t.Min+cols-1)/cols); cols*rows <= t.Max; rows++ {
			all = append(all, image.Pt(cols, rows))
		}
	}
	slices.SortStableFunc(all, func(a, b image.Point) int { return a.X*a.Y - b.X*b.Y })
	return all
}

// Grid is the number of tiles across and down that a picture of w by h pixels
// becomes. Of two arrangements that are as close the larger one is taken where its
// tiles have less than twice the picture's pixels.
func (t *DynamicTiling) Grid(w, h int) (cols, rows int) {
	best, least := image.Pt(1, 1), math.Inf(1)
	ratio, area := float64(w)/float64(h), float64(w)*float64(h)
	for _, g := range t.arrangements() {
		off := math.Abs(ratio - float64(g.X)/float64(g.Y))
		if off < least || off == least && area > 0.5*float64(t.Side)*float64(t.Side)*float64(g.X)*float64(g.Y) {
			best, least = g, off
		}
	}
	return best.X, best.Y
}

// views are the steps of each view, and which of them shows the whole; -1 if none does.
func (t *DynamicTiling) views(w, h int) (plans [][]Step, cols, rows, whole int) {
	thumbnail := []Step{ResizeTo{t.Side, t.Side, t.Filter}}
	cols, rows = t.Grid(w, h)
	if cols*rows == 1 {
		return [][]Step{thumbnail}, 0, 0, 0
	}
	size := image.Pt(cols*t.Side, rows*t.Side)
	for i := range cols * rows {
		at := image.Pt(i%cols*t.Side, i/cols*t.Side)
		plans = append(plans, []Step{tile{size, image.Rectangle{at, at.Add(image.Pt(t.Side, t.Side))}, t.Filter}})
	}
	if !t.Thumbnail {
		return plans, cols, rows, -1
	}
	return append(plans, thumbnail), cols, rows, len(plans)
}

// NewDynamic returns the processor that shows pictures in dynamic tiles.
func NewDynamic(norm Normalize, t DynamicTiling) (*Processor, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("imageproc: %w", err)
	}
	p := NewPipeline(norm, ResizeTo{t.Side, t.Side, t.Filter})
	p.dynamic = &t
	return p, nil
}

// dynamicTiles reads the fields of a GotOcr2ImageProcessor, which is InternVL's in
// transformers.
func (r recipe) dynamicTiles(c config, f Filter, norm Normalize) (*Processor, error) {
	s, err := or(c.Size, r.size).fixed("size")
	if err != nil {
		return nil, err
	}
	if s.Height != s.Width {
		return nil, fmt.Errorf("size is %d×%d: tiles are square", s.Width, s.Height)
	}
	t := DynamicTiling{Min: or(c.MinPatches, 1), Max: or(c.MaxPatches, 12), Side: s.Width, Thumbnail: true, Filter: f}
	if t.Max == 1 {
		return NewPipeline(norm, ResizeTo{t.Side, t.Side, f}), nil
	}
	return NewDynamic(norm, t)
}
