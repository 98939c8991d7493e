package train

import (
	"math/rand/v2"
	"slices"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// apply changes the pictures of a conversation that was made of turns, and returns the
// turns with their boxes where the things are now. A picture out of which a shift would
// push a thing stays where it is.
func (a Augment) apply(turns []data.Turn, conv []model.Turn, rng *rand.Rand) []data.Turn {
	if a == (Augment{}) {
		return turns
	}
	var motions []motion
	for t := range conv {
		for k, img := range conv[t].Images {
			m := a.draw(img, rng)
			if !m.keeps(turns, len(motions)) {
				m.dx, m.dy = 0, 0
			}
			conv[t].Images[k] = m.picture(img)
			motions = append(motions, m)
		}
	}
	return moved(turns, motions)
}

// motion is what happens to a picture of w by h pixels: it is mirrored, then shifted.
type motion struct {
	w, h   int
	dx, dy int
	flip   bool
}

func (a Augment) draw(img *imageproc.RGB, rng *rand.Rand) motion {
	m := motion{w: img.W, h: img.H}
	if a.Shift > 0 {
		m.dx, m.dy = rng.IntN(2*a.Shift+1)-a.Shift, rng.IntN(2*a.Shift+1)-a.Shift
	}
	if a.Flip {
		m.flip = rng.IntN(2) == 1
	}
	return m
}

func (m motion) none() bool { return m.dx == 0 && m.dy == 0 && !m.flip }

// picture returns a changed copy of img, or img itself if there is nothing to change.
func (m motion) picture(img *imageproc.RGB) *imageproc.RGB {
	if m.none() {
		return img
	}
	out := &imageproc.RGB{Pix: make([]uint8, len(img.Pix)), W: img.W, H: img.H}
	for y := range img.H {
		from := min(max(y-m.dy, 0), img.H-1) * img.W
		for x := range img.W {
			sx := min(max(x-m.dx, 0), img.W-1) // what is uncovered repeats the edge
			if m.flip {
				sx = img.W - 1 - sx
			}
			copy(out.Pix[3*(y*img.W+x):3*(y*img.W+x)+3], img.Pix[3*(from+sx):])
		}
	}
	return out
}

// keeps reports whether all things in a picture that have boxes are still there.
func (m motion) keeps(turns []data.Turn, picture int) bool {
	for _, t := range turns {
		if t.Places == nil {
			continue
		}
		for _, b := range t.Places.Boxes {
			if b.Image != picture {
				continue
			}
			if _, ok := m.box(b); !ok {
				return false
			}
		}
	}
	return true
}

// moved are turns whose boxes have gone along with their pictures.
func moved(turns []data.Turn, motions []motion) []data.Turn {
	turns = slices.Clone(turns)
	for i, t := range turns {
		if t.Places == nil {
			continue
		}
		places := data.Places{Refs: t.Places.Refs, Boxes: slices.Clone(t.Places.Boxes)}
		for k, b := range places.Boxes {
			if b.Image < len(motions) {
				places.Boxes[k], _ = motions[b.Image].box(b)
			}
		}
		turns[i].Places = &places
	}
	return turns
}

// box is where a place is in the changed picture, cut at its edges. ok is false where
// less than a pixel of it is left; points and quadrangles, which cannot be cut, must be
// left whole. One that was not in the picture to begin with stays as it is.
func (m motion) box(b data.Box) (moved data.Box, ok bool) {
	if m.none() || b.Inside(m.w, m.h) != nil {
		return b, true
	}
	moved = b.In(data.Coords{}, m.w, m.h)
	moved.At = slices.Clone(moved.At)
	for i := 0; i < len(moved.At); i += 2 {
		if m.flip {
			moved.At[i] = float64(m.w) - moved.At[i]
		}
		moved.At[i] += float64(m.dx)
		moved.At[i+1] += float64(m.dy)
	}
	if m.flip {
		turnOver(moved.At)
	}
	if len(moved.At) != 4 {
		return moved, moved.Inside(m.w, m.h) == nil
	}
	return cut(moved, m.w, m.h)
}

// turnOver gives the corners of what has been mirrored their order again: a box has the
// left ones first, a quadrangle goes round the same way.
func turnOver(at []float64) {
	switch len(at) {
	case 4:
		at[0], at[2] = at[2], at[0]
	case 8:
		at[0], at[1], at[2], at[3] = at[2], at[3], at[0], at[1]
		at[4], at[5], at[6], at[7] = at[6], at[7], at[4], at[5]
	}
}

// cut is the part of a box that is in its picture. ok is false if that is less than a pixel.
func cut(b data.Box, w, h int) (_ data.Box, ok bool) {
	whole := slices.Clone(b.At)
	for i, most := range []int{w, h, w, h} {
		b.At[i] = min(max(b.At[i], 0), float64(most))
	}
	return b, slices.Equal(b.At, whole) || b.At[2]-b.At[0] >= 1 && b.At[3]-b.At[1] >= 1
}
