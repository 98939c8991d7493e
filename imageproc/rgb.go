package imageproc

import "fmt"

// RGB is an 8-bit picture: row-major, three bytes a pixel, no padding between
// rows. The byte of channel c at (x, y) is Pix[3*(y*W+x)+c].
type RGB struct {
	Pix  []uint8
	W, H int
}

// Color is an opaque 8-bit RGB colour.
type Color [3]uint8

// White is the usual background for pictures with transparency.
var White = Color{255, 255, 255}

// NewRGB returns a black picture of w by h pixels. It panics when a side is
// negative.
func NewRGB(w, h int) *RGB {
	if w < 0 || h < 0 {
		panic(fmt.Sprintf("imageproc: NewRGB: size %dx%d", w, h))
	}
	return &RGB{Pix: make([]uint8, 3*w*h), W: w, H: h}
}

// At returns the colour at (x, y).
func (m *RGB) At(x, y int) Color {
	return Color(m.row(y)[3*x : 3*x+3])
}

// row returns the 3*W bytes of row y.
func (m *RGB) row(y int) []uint8 {
	n := 3 * m.W
	return m.Pix[y*n : (y+1)*n : (y+1)*n]
}

// fill sets every pixel to c.
func (m *RGB) fill(c Color) {
	if len(m.Pix) == 0 {
		return
	}
	n := copy(m.Pix, c[:])
	for n < len(m.Pix) {
		n += copy(m.Pix[n:], m.Pix[:n])
	}
}

// Window returns the w by h pixels whose top left corner is (x, y); what lies
// outside the picture is c. A window equal to the picture is the picture itself,
// not a copy.
func (m *RGB) Window(x, y, w, h int, c Color) *RGB {
	if x == 0 && y == 0 && w == m.W && h == m.H {
		return m
	}
	out := NewRGB(w, h)
	if c != (Color{}) {
		out.fill(c)
	}
	x0, x1 := max(x, 0), min(x+w, m.W)
	y0, y1 := max(y, 0), min(y+h, m.H)
	if x0 >= x1 {
		return out
	}
	for r := y0; r < y1; r++ {
		copy(out.row(r - y)[3*(x0-x):], m.row(r)[3*x0:3*x1])
	}
	return out
}
