package imageproc

import "image"

// canvas is what an animation is drawn on: straight RGBA, at first transparent black.
type canvas struct {
	w, h int
	pix  []uint8
}

func newCanvas(w, h int) *canvas { return &canvas{w, h, make([]uint8, 4*w*h)} }

// row are the pixels of line y from x0 to x1.
func (c *canvas) row(y, x0, x1 int) []uint8 { return c.pix[4*(y*c.w+x0) : 4*(y*c.w+x1)] }

// fill gives a part one colour.
func (c *canvas) fill(r image.Rectangle, rgba [4]uint8) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.row(y, r.Min.X, r.Max.X)
		for i := 0; i < len(row); i += 4 {
			copy(row[i:i+4], rgba[:])
		}
	}
}

// copy returns a part, to be put back by paste.
func (c *canvas) copy(r image.Rectangle) []uint8 {
	out := make([]uint8, 0, 4*r.Dx()*r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		out = append(out, c.row(y, r.Min.X, r.Max.X)...)
	}
	return out
}

func (c *canvas) paste(r image.Rectangle, pix []uint8) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		n := copy(c.row(y, r.Min.X, r.Max.X), pix)
		pix = pix[n:]
	}
}

// raster reads the canvas.
func (c *canvas) raster() raster {
	return raster{c.w, c.h, func(y int, rgba []uint8) { copy(rgba, c.row(y, 0, c.w)) }}
}
