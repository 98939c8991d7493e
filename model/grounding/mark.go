// Package grounding is about where in a picture something is: the boxes,
// quadrangles and points that models write into their text, each family in a
// dialect of its own, and that questions point with.
package grounding

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/imageproc"
)

// Point is a place in a picture, in pixels from its left top corner. The pixel of
// column x covers x to x+1.
type Point struct{ X, Y float64 }

// Mark is something in a picture: a point, a box by its left top and right bottom
// corners, or a quadrangle by its corners in order.
type Mark struct {
	Label   string
	Points  []Point // 1, 2 or 4
	Clipped bool    // what was written lay partly outside of the picture
}

// Box is a mark around a rectangle.
func Box(label string, x1, y1, x2, y2 float64) Mark {
	return Mark{Label: label, Points: []Point{{x1, y1}, {x2, y2}}}
}

// Picture is what the coordinates of a text refer to.
type Picture struct {
	W, H int                // of the original, in pixels
	Seen imageproc.Geometry // from the original to what the encoder has seen as a whole
}

// Check tells what is wrong with a mark that points into a picture of w by h pixels.
func (m Mark) Check(w, h int) error {
	switch len(m.Points) {
	case 1, 2, 4:
	default:
		return fmt.Errorf("mark %q has %d points, want 1, 2 (a box) or 4", m.Label, len(m.Points))
	}
	for _, p := range m.Points {
		if !(p.X >= 0 && p.X <= float64(w) && p.Y >= 0 && p.Y <= float64(h)) { // false for NaN too
			return fmt.Errorf("mark %q: (%v, %v) is not inside the picture of %d×%d pixels", m.Label, p.X, p.Y, w, h)
		}
	}
	if len(m.Points) == 2 && !(m.Points[0].X < m.Points[1].X && m.Points[0].Y < m.Points[1].Y) {
		return fmt.Errorf("box %q from (%v, %v) to (%v, %v): want the left top corner, then the right bottom one",
			m.Label, m.Points[0].X, m.Points[0].Y, m.Points[1].X, m.Points[1].Y)
	}
	return nil
}

// Within is the mark with what lies outside of a picture of w by h pixels by no more
// than a rounding moved to its edge.
func (m Mark) Within(w, h int, rounding float64) Mark {
	out := m
	out.Points = nil
	for _, p := range m.Points {
		q := Point{min(max(p.X, 0), float64(w)), min(max(p.Y, 0), float64(h))}
		if math.Abs(q.X-p.X) > rounding || math.Abs(q.Y-p.Y) > rounding {
			q = p
		}
		out.Points = append(out.Points, q)
	}
	return out
}

// clip moves what is outside of a picture to its edge. It reports false if nothing is left.
func (m *Mark) clip(w, h int) bool {
	for i, p := range m.Points {
		if math.IsNaN(p.X) || math.IsNaN(p.Y) {
			return false
		}
		q := Point{min(max(p.X, 0), float64(w)), min(max(p.Y, 0), float64(h))}
		if math.Abs(q.X-p.X) > edge || math.Abs(q.Y-p.Y) > edge {
			m.Clipped = true
		}
		m.Points[i] = q
	}
	if len(m.Points) == 1 {
		return !m.Clipped
	}
	lo, hi := m.bounds()
	return lo.X < hi.X && lo.Y < hi.Y && (len(m.Points) == 4 || lo == m.Points[0])
}

// edge is how far a rounded coordinate may lie outside without being told, in pixels.
const edge = 1

// bounds are the smallest and largest coordinates.
func (m *Mark) bounds() (lo, hi Point) {
	lo, hi = m.Points[0], m.Points[0]
	for _, p := range m.Points[1:] {
		lo, hi = Point{min(lo.X, p.X), min(lo.Y, p.Y)}, Point{max(hi.X, p.X), max(hi.Y, p.Y)}
	}
	return lo, hi
}

// MarshalJSON writes {"label", "box": [x1, y1, x2, y2]}, or "point": [x, y], or
// "quad": [[x, y], ...], in pixels with at most two decimals.
func (m Mark) MarshalJSON() ([]byte, error) {
	out := struct {
		Label   string       `json:"label"`
		Box     []float64    `json:"box,omitempty"`
		Point   []float64    `json:"point,omitempty"`
		Quad    [][2]float64 `json:"quad,omitempty"`
		Clipped bool         `json:"clipped,omitempty"`
	}{Label: m.Label, Clipped: m.Clipped}
	round := func(v float64) float64 { return math.Round(v*100) / 100 }
	for _, p := range m.Points {
		x, y := round(p.X), round(p.Y)
		switch len(m.Points) {
		case 1:
			out.Point = []float64{x, y}
		case 2:
			out.Box = append(out.Box, x, y)
		default:
			out.Quad = append(out.Quad, [2]float64{x, y})
		}
	}
	return json.Marshal(out)
}
