package imageproc

import (
	"fmt"
	"image"
)

// Limits on how a config may cut pictures.
const (
	maxSizes = 1 << 10
	maxTiles = 1 << 10
)

// tile turns a pipeline into one that shows the whole picture, its aspect not
// kept, and its tiles. What steps do is done to each of them.
func (r recipe) tile(c config, f Filter, norm Normalize, steps []Step) (*Processor, error) {
	whole, side, err := r.edges(c)
	if err != nil {
		return nil, err
	}
	list := c.Pinpoints
	if list == nil {
		list = r.tiles()
	}
	sizes, err := pinpoints(list, side)
	if err != nil {
		return nil, fmt.Errorf("image_grid_pinpoints: %w", err)
	}
	all := append([]Step{ResizeTo{whole, whole, f}}, steps...)
	return NewPipeline(norm, all...).Tiled(Tiling{Sizes: sizes, Side: side, Filter: f}, steps...), nil
}

// edges are the sides of the whole picture's view and of a tile.
func (r recipe) edges(c config) (whole, side int, err error) {
	s := or(c.Size, r.size)
	whole = s.Shortest
	if whole == 0 || r.square {
		fixed, err := s.fixed("size")
		if err != nil {
			return 0, 0, err
		}
		whole = min(fixed.Height, fixed.Width)
	}
	if !r.crops {
		return whole, whole, nil
	}
	crop, err := or(c.CropSize, r.crop).fixed("crop_size")
	return whole, crop.Height, err
}

// pinpoints reads heights and widths.
func pinpoints(list [][]int, side int) ([]image.Point, error) {
	if len(list) < 1 || len(list) > maxSizes {
		return nil, fmt.Errorf("%d sizes, want 1 to %d", len(list), maxSizes)
	}
	sizes := make([]image.Point, len(list))
	for i, p := range list {
		if len(p) != 2 {
			return nil, fmt.Errorf("%v is not a height and a width", p)
		}
		h, w := p[0], p[1]
		if side < 1 || min(h, w) < side || max(h, w) > maxEdge || h%side != 0 || w%side != 0 || h/side*(w/side) > maxTiles || h*w > maxWindowPixels {
			return nil, fmt.Errorf("%v cannot be cut into at most %d tiles of %d×%d pixels, %d together", p, maxTiles, side, side, maxWindowPixels)
		}
		sizes[i] = image.Pt(w, h)
	}
	return sizes, nil
}

// nextSizes are LLaVA-NeXT's, heights and widths for tiles of 336 pixels.
func nextSizes() [][]int {
	return [][]int{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}}
}

// onevisionSizes are all grids of up to 6×6 tiles of 384 pixels.
func onevisionSizes() [][]int {
	var sizes [][]int
	for h := 1; h <= 6; h++ {
		for w := 1; w <= 6; w++ {
			sizes = append(sizes, []int{384 * h, 384 * w})
		}
	}
	return sizes
}
