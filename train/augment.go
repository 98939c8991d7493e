package train

import (
	"math/rand/v2"

	"github.com/fovea-ml/fovea/imageproc"
)

// apply returns a changed copy of img, or img itself if there is nothing to change.
func (a Augment) apply(img *imageproc.RGB, rng *rand.Rand) *imageproc.RGB {
	dx, dy, flip := 0, 0, false
	if a.Shift > 0 {
		dx, dy = rng.IntN(2*a.Shift+1)-a.Shift, rng.IntN(2*a.Shift+1)-a.Shift
	}
	if a.Flip {
		flip = rng.IntN(2) == 1
	}
	if dx == 0 && dy == 0 && !flip {
		return img
	}
	out := &imageproc.RGB{Pix: make([]uint8, len(img.Pix)), W: img.W, H: img.H}
	for y := range img.H {
		from := min(max(y-dy, 0), img.H-1) * img.W
		for x := range img.W {
			sx := min(max(x-dx, 0), img.W-1) // what is uncovered repeats the edge
			if flip {
				sx = img.W - 1 - sx
			}
			copy(out.Pix[3*(y*img.W+x):3*(y*img.W+x)+3], img.Pix[3*(from+sx):])
		}
	}
	return out
}
