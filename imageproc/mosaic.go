package imageproc

import "image"

// gutter is the space between the pictures of a mosaic, in pixels.
const gutter = 4

// Mosaic lays all views out on white as the encoder sees them: the whole picture
// and, beside it, its tiles in their places.
func (s *Shown) Mosaic() *RGB {
	var at []image.Point
	var left int
	if s.Whole >= 0 {
		left = s.Pictures[s.Whole].W + gutter
	}
	var size image.Point
	for i, m := range s.Pictures {
		var p image.Point
		if n := s.Tile(i); n >= 0 {
			p = image.Pt(left+n%s.Cols*(m.W+gutter), n/s.Cols*(m.H+gutter))
		}
		at = append(at, p)
		size = image.Pt(max(size.X, p.X+m.W), max(size.Y, p.Y+m.H))
	}
	out := NewRGB(size.X, size.Y)
	out.fill(White)
	for i, m := range s.Pictures {
		for y := range m.H {
			copy(out.row(at[i].Y + y)[3*at[i].X:], m.row(y))
		}
	}
	return out
}

// Image is the picture as the standard library has it.
func (m *RGB) Image() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.W, m.H))
	for i := range m.W * m.H {
		copy(out.Pix[4*i:], m.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out
}
