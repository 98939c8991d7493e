package grounding

import "github.com/fovea-ml/fovea/imageproc"

// A frame says what the coordinates of a dialect mean: the map from pixels of a
// picture to them.
type frame func(p Picture) imageproc.Geometry

// parts counts each side of the picture in n parts, whatever its shape.
func parts(n float64) frame {
	return func(p Picture) imageproc.Geometry {
		return imageproc.Geometry{ScaleX: n / float64(p.W), ScaleY: n / float64(p.H)}
	}
}

// square counts the sides of the square that the picture is the middle of, padded, as 1.
func square(p Picture) imageproc.Geometry {
	side := max(p.W, p.H)
	s := 1 / float64(side)
	return imageproc.Geometry{ScaleX: s, ScaleY: s, OffsetX: float64((side-p.W)/2) * s, OffsetY: float64((side-p.H)/2) * s}
}

// seen counts pixels of what the encoder sees.
func seen(p Picture) imageproc.Geometry { return p.Seen }

// to maps a point of the picture to the frame's coordinates.
func (f frame) to(p Picture, at Point) Point {
	g := f(p)
	return Point{float64(at.X*g.ScaleX) + g.OffsetX, float64(at.Y*g.ScaleY) + g.OffsetY}
}

// from maps back.
func (f frame) from(p Picture, at Point) Point {
	g := f(p)
	return Point{(at.X - g.OffsetX) / g.ScaleX, (at.Y - g.OffsetY) / g.ScaleY}
}
