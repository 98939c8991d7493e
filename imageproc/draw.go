package imageproc

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Shape is an outline to be drawn: a point, the corners of a box, or those of a
// polygon, in pixels; and what stands beside it.
type Shape struct {
	Label  string
	Points [][2]float64
}

// Draw returns a copy of the picture with shapes drawn on it, each in a colour of its own.
func (m *RGB) Draw(shapes []Shape) *image.NRGBA {
	out := m.Image()
	for i, s := range shapes {
		s.draw(out, outlineColours[i%len(outlineColours)], max(2, max(m.W, m.H)/300))
	}
	return out
}

// outlineColours can be told apart, on dark and on light ground.
var outlineColours = []color.NRGBA{
	{230, 25, 75, 255}, {60, 180, 75, 255}, {0, 130, 200, 255}, {245, 130, 48, 255}, {145, 30, 180, 255}, {0, 150, 150, 255},
}

// draw draws a shape with lines of so many pixels.
func (s *Shape) draw(on *image.NRGBA, c color.NRGBA, thick int) {
	p := s.Points
	switch len(p) {
	case 0:
		return
	case 1:
		r := float64(2 * thick)
		p = [][2]float64{{p[0][0] - r, p[0][1] - r}, {p[0][0] + r, p[0][1] + r}}
	}
	if len(p) == 2 {
		p = [][2]float64{p[0], {p[1][0], p[0][1]}, p[1], {p[0][0], p[1][1]}}
	}
	for i := range p {
		line(on, p[i], p[(i+1)%len(p)], c, thick)
	}
	if s.Label != "" {
		tag(on, s.Label, int(p[0][0]), int(p[0][1]), c)
	}
}

// line draws squares of so many pixels along a line.
func line(on *image.NRGBA, from, to [2]float64, c color.NRGBA, thick int) {
	dx, dy := to[0]-from[0], to[1]-from[1]
	steps := max(1, int(max(abs(dx), abs(dy))))
	for i := range steps + 1 {
		t := float64(i) / float64(steps)
		x, y := int(from[0]+float64(dx*t)), int(from[1]+float64(dy*t))
		x, y = min(x, on.Rect.Max.X-thick), min(y, on.Rect.Max.Y-thick) // inside, at the far edges too
		draw.Draw(on, image.Rect(x, y, x+thick, y+thick), image.NewUniform(c), image.Point{}, draw.Src)
	}
}

func abs(v float64) float64 { return max(v, -v) }

// tag writes a label on ground of its colour, above a place or, at the top edge, below it.
func tag(on *image.NRGBA, label string, x, y int, c color.NRGBA) {
	face := basicfont.Face7x13
	w, h := font.MeasureString(face, label).Ceil()+4, face.Height+2
	x = max(0, min(x, on.Rect.Max.X-w))
	if y -= h; y < 0 {
		y = min(y+h, max(0, on.Rect.Max.Y-h))
	}
	draw.Draw(on, image.Rect(x, y, x+w, y+h), image.NewUniform(c), image.Point{}, draw.Src)
	d := font.Drawer{Dst: on, Src: image.White, Face: face, Dot: fixed.P(x+2, y+face.Ascent+1)}
	d.DrawString(label)
}
