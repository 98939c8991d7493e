package data

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/fovea-ml/fovea/model/grounding"
)

// Unit is what the coordinates of a box are counted in.
type Unit uint8

// Units. The last three are shares of the picture's width and height.
const (
	Pixels   Unit = iota
	Norm01        // 0 to 1
	Norm1000      // 0 to 1000
	Norm999       // 0 to 999
)

func (u Unit) String() string {
	return [...]string{"pixel", "norm01", "norm1000", "norm999"}[u]
}

// parts is how many units a side has; 0 for pixels.
func (u Unit) parts() float64 { return [...]float64{0, 1, 1000, 999}[u] }

// Coords say what the numbers of a box mean.
type Coords struct {
	Unit   Unit
	Sized  bool // a box is x, y, width, height; otherwise two corners
	Padded bool // places are counted in the square that the picture was padded to, centred, before they were written down
}

func (c Coords) String() string {
	s := c.Unit.String()
	if c.Sized {
		s += ",xywh"
	}
	if c.Padded {
		s += ",padded"
	}
	return s
}

// ParseCoords reads what String writes: a unit (pixel, norm01, norm1000, norm999), and
// with commas between xyxy or xywh, and padded.
func ParseCoords(text string) (c Coords, err error) {
	for _, word := range strings.Split(text, ",") {
		switch word {
		case "pixel", "norm01", "norm1000", "norm999":
			for c.Unit = Pixels; c.Unit.String() != word; c.Unit++ {
			}
		case "xyxy":
			c.Sized = false
		case "xywh":
			c.Sized = true
		case "padded":
			c.Padded = true
		default:
			return c, fmt.Errorf("coordinates %q: want pixel, norm01, norm1000 or norm999, and xyxy, xywh or padded, with commas between", text)
		}
	}
	return c, nil
}

// Box is a place in a picture as the data has it.
type Box struct {
	At     []float64 // 2 numbers are a point, 4 a box, 8 a quadrangle
	Coords Coords
	Image  int // which of the sample's pictures, from 0
}

// check tells whether the numbers can be a place, in a sample of so many pictures.
func (b Box) check(images int) error {
	switch len(b.At) {
	case 2, 4, 8:
	default:
		return fmt.Errorf("box %v: %d numbers, want 4, or 2 of a point or 8 of a quadrangle", b.At, len(b.At))
	}
	for _, v := range b.At {
		if math.IsNaN(v) || math.Abs(v) > 1<<31 {
			return fmt.Errorf("box %v: no coordinates", b.At)
		}
	}
	if b.Image < 0 || b.Image >= images {
		return fmt.Errorf("box %v is in picture %d of %d", b.At, b.Image+1, images)
	}
	if len(b.At) != 4 {
		return nil
	}
	w, h := b.At[2], b.At[3]
	if !b.Coords.Sized {
		w, h = w-b.At[0], h-b.At[1]
	}
	if !(w > 0 && h > 0) {
		return fmt.Errorf("box %v (%v) has no size", b.At, b.Coords)
	}
	return nil
}

// axes are the map from pixels of a picture of w by h to what is written.
func (c Coords) axes(w, h int) (scaleX, scaleY, offX, offY float64) {
	sideX, sideY := float64(w), float64(h)
	if c.Padded {
		side := max(w, h)
		offX, offY = float64((side-w)/2), float64((side-h)/2)
		sideX, sideY = float64(side), float64(side)
	}
	scaleX, scaleY = 1, 1
	if n := c.Unit.parts(); n > 0 {
		scaleX, scaleY = n/sideX, n/sideY
	}
	return scaleX, scaleY, offX, offY
}

// Mark is the place in pixels of the original picture, which has w by h of them.
func (b Box) Mark(label string, w, h int) grounding.Mark {
	at := b.At
	if b.Coords.Sized && len(at) == 4 {
		at = []float64{at[0], at[1], at[0] + at[2], at[1] + at[3]}
	}
	sx, sy, ox, oy := b.Coords.axes(w, h)
	m := grounding.Mark{Label: label}
	for i := 0; i+1 < len(at); i += 2 {
		m.Points = append(m.Points, grounding.Point{X: at[i]/sx - ox, Y: at[i+1]/sy - oy})
	}
	return m
}

// BoxOf writes a mark, in pixels of a picture of w by h, down in other coordinates.
func BoxOf(m grounding.Mark, c Coords, w, h int) Box {
	sx, sy, ox, oy := c.axes(w, h)
	b := Box{Coords: c}
	for _, p := range m.Points {
		b.At = append(b.At, (p.X+ox)*sx, (p.Y+oy)*sy)
	}
	if c.Sized && len(b.At) == 4 {
		b.At[2] -= b.At[0]
		b.At[3] -= b.At[1]
	}
	return b
}

// In is the same place of a picture of w by h in other coordinates.
func (b Box) In(c Coords, w, h int) Box {
	if c == b.Coords {
		return b
	}
	out := BoxOf(b.Mark("", w, h), c, w, h)
	out.Image = b.Image
	return out
}

// slack is how far outside of its picture a place may be by rounding, in units.
const slack = 1e-6

// Inside tells why a place is not in its picture of w by h pixels; nil if it is.
func (b Box) Inside(w, h int) error {
	unit := 1 / max(b.Coords.Unit.parts(), 1)
	for _, p := range b.Mark("", w, h).Points {
		dx, dy := float64(slack*unit*float64(w)), float64(slack*unit*float64(h))
		if p.X < -dx || p.Y < -dy || p.X > float64(w)+dx || p.Y > float64(h)+dy {
			return fmt.Errorf("box %v (%v) is not inside its picture of %d×%d pixels", b.At, b.Coords, w, h)
		}
	}
	return nil
}

// checkPlaces wants as many tags in the text of each turn as it has labels and boxes.
func (s *Sample) checkPlaces() error {
	for i, t := range s.Turns {
		if t.Places == nil {
			continue
		}
		p := t.Places
		if n := strings.Count(t.Text, RefTag); n != len(p.Refs) {
			return fmt.Errorf("turn %d: %d %s tags for %d labels", i+1, n, RefTag, len(p.Refs))
		}
		if n := strings.Count(t.Text, BoxTag); n != len(p.Boxes) {
			return fmt.Errorf("turn %d: %d %s tags for %d boxes", i+1, n, BoxTag, len(p.Boxes))
		}
		for _, b := range p.Boxes {
			if err := b.check(len(s.Images)); err != nil {
				return fmt.Errorf("turn %d: %w", i+1, err)
			}
		}
	}
	return nil
}

var errTags = errors.New("the text has a tag of a label or box that is none")

// untagged tells whether the text of a turn without places could be taken for one with.
func (t *Turn) untagged() error {
	if t.Places == nil && (strings.Contains(t.Text, RefTag) || strings.Contains(t.Text, BoxTag)) {
		return errTags
	}
	return nil
}
