package ensemble

import (
	"image"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// look is what an encoder is shown of a picture.
type look struct {
	steps      []step
	from, norm imageproc.Normalize // as the picture is normalised, and as the encoder wants it
}

// step scales a view.
type step struct {
	side int // of the scaled view in pixels
	how  imageproc.Interpolation
	half bool // numbers before and behind it are rounded to 16 bits
}

func (s step) scale(p imageproc.Planes, side int) imageproc.Planes {
	if !s.half {
		return p.Scaled(side, side, s.how)
	}
	return p.HalfScaled(side, side, s.how)
}

// halved reports whether 16 bits are interpolated, and not only rounded to.
func (l *look) halved() bool {
	for _, s := range l.steps {
		if s.half && s.how != imageproc.NearestPixel {
			return true
		}
	}
	return false
}

// side is that of the views that the encoder sees of pictures of size pixels.
func (l *look) side(size, grid int) int {
	if n := len(l.steps); n > 0 {
		return l.steps[n-1].side
	}
	return size / grid
}

// views are those of square pictures: of each the whole and, where grid is more
// than 1, the parts of grid lines and columns.
func (l *look) views(pictures *model.Views, grid int) *model.Views {
	out, at := new(model.Views), 0
	for _, s := range pictures.Sizes {
		n := 3 * s.X * s.Y
		p := imageproc.Planes{Pixels: pictures.Pixels[at : at+n], W: s.X, H: s.Y}
		at += n
		out.Append(l.view(p, l.steps))
		if grid > 1 {
			l.parts(out, p, grid)
		}
	}
	return out
}

// parts adds those of p. The first step scales all of them together, unless they
// have its size already.
func (l *look) parts(out *model.Views, p imageproc.Planes, grid int) {
	rest := l.steps
	if len(rest) > 0 {
		if all := grid * rest[0].side; all != p.W {
			p = rest[0].scale(p, all)
		}
		rest = rest[1:]
	}
	side := p.W / grid
	for y := range grid {
		for x := range grid {
			out.Append(l.view(p.Window(x*side, y*side, side, side), rest))
		}
	}
}

func (l *look) view(p imageproc.Planes, steps []step) *model.Views {
	for _, s := range steps {
		p = s.scale(p, s.side)
	}
	if l.norm != l.from {
		p = p.Renormalized(l.from, l.norm)
	}
	return &model.Views{Pixels: p.Pixels, Sizes: []image.Point{{X: p.W, Y: p.H}}}
}
