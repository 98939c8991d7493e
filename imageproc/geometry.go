package imageproc

// Rect is a box in continuous pixel coordinates: the pixel at column x covers
// [x, x+1), so a whole picture is {0, 0, W, H}.
type Rect struct{ X0, Y0, X1, Y1 float64 }

// Bounds returns the box of the whole picture.
func (m *RGB) Bounds() Rect { return Rect{0, 0, float64(m.W), float64(m.H)} }

// Clip returns the part of r inside a picture of w by h pixels.
func (r Rect) Clip(w, h int) Rect {
	x, y := float64(w), float64(h)
	return Rect{min(max(r.X0, 0), x), min(max(r.Y0, 0), y), min(max(r.X1, 0), x), min(max(r.Y1, 0), y)}
}

// Geometry maps pixel coordinates of the original (upright) picture to those of
// the processed one: processed = original*Scale + Offset, for each axis.
type Geometry struct {
	ScaleX, ScaleY   float64
	OffsetX, OffsetY float64
}

// identity maps a picture to itself.
func identity() Geometry { return Geometry{ScaleX: 1, ScaleY: 1} }

// ToModel maps a box of the original picture to the processed one. The result
// is not clipped: what a crop cut away lies outside.
func (g Geometry) ToModel(r Rect) Rect {
	return Rect{
		float64(r.X0*g.ScaleX) + g.OffsetX, float64(r.Y0*g.ScaleY) + g.OffsetY,
		float64(r.X1*g.ScaleX) + g.OffsetX, float64(r.Y1*g.ScaleY) + g.OffsetY,
	}
}

// ToOriginal maps a box of the processed picture back to the original one. The
// result is not clipped: padding lies outside.
func (g Geometry) ToOriginal(r Rect) Rect {
	return Rect{
		(r.X0 - g.OffsetX) / g.ScaleX, (r.Y0 - g.OffsetY) / g.ScaleY,
		(r.X1 - g.OffsetX) / g.ScaleX, (r.Y1 - g.OffsetY) / g.ScaleY,
	}
}

// resized returns g followed by scaling a picture from w0 by h0 to w by h.
func (g Geometry) resized(w0, h0, w, h int) Geometry {
	sx, sy := float64(w)/float64(w0), float64(h)/float64(h0)
	return Geometry{g.ScaleX * sx, g.ScaleY * sy, float64(g.OffsetX * sx), float64(g.OffsetY * sy)}
}

// moved returns g followed by taking the window whose top left corner is (x, y).
func (g Geometry) moved(x, y int) Geometry {
	g.OffsetX -= float64(x)
	g.OffsetY -= float64(y)
	return g
}
