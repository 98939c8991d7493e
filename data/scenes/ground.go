package scenes

import "image"

type rgb [3]uint8

// paints are the pure colours; shade varies them a little from object to object.
var paints = map[Colour]rgb{
	Red: {215, 32, 40}, Green: {30, 150, 62}, Blue: {38, 84, 214}, Yellow: {246, 214, 40},
	Orange: {245, 132, 22}, Purple: {134, 52, 168}, Black: {22, 22, 24}, White: {248, 248, 248},
}

func shade(s *source, c Colour) rgb {
	p := paints[c]
	for i := range p {
		p[i] = clamp(int(p[i]) + s.between(-8, 8))
	}
	return p
}

func clamp(x int) uint8 { return uint8(min(max(x, 0), 255)) }

// pattern is the kind of a background.
type pattern int

const (
	plain pattern = iota
	gradient
	speckle
	stripes
)

// ground is a background: two greyish colours close to each other and a pattern of them.
type ground struct {
	pattern pattern
	a, b    rgb
	dx, dy  int    // direction of a gradient or of stripes
	period  int    // of stripes, in pixels of a 64×64 picture
	grain   uint64 // seed of speckles
}

// newGround draws a background on which every object stands out: a bright one unless
// something is white, a dark one unless something is black, or one in between.
func newGround(s *source, objects []Object) ground {
	bands := [][2]int{{140, 170}}
	if (Filter{Colour: White}).Count(objects) == 0 {
		bands = append(bands, [2]int{200, 232})
	}
	if (Filter{Colour: Black}).Count(objects) == 0 {
		bands = append(bands, [2]int{38, 62})
	}
	band := pick(s, bands)
	level := s.between(band[0], band[1])
	g := ground{pattern: pattern(s.weighted([]int{40, 25, 20, 15}))}
	for i := range g.a {
		g.a[i] = clamp(level + s.between(-9, 9))
	}
	delta := s.between(-20, 20)
	if g.pattern != gradient {
		delta = s.between(5, 10)
	}
	for i := range g.b {
		g.b[i] = clamp(int(g.a[i]) + delta)
	}
	dir := pick(s, [][2]int{{1, 0}, {0, 1}, {1, 1}, {1, -1}})
	g.dx, g.dy = dir[0], dir[1]
	g.period = s.between(4, 10)
	g.grain = s.pcg.Uint64()
	return g
}

// fill paints the whole picture.
func (g ground) fill(img *image.RGBA) {
	side := img.Rect.Dx()
	for y := range side {
		for x := range side {
			t := g.share(x, y, side)
			p := img.Pix[img.PixOffset(x, y):]
			for c := range 3 {
				p[c] = uint8((int(g.a[c])*(256-t) + int(g.b[c])*t + 128) >> 8)
			}
			p[3] = 255
		}
	}
}

// share returns how much of colour b pixel (x, y) has, of 256.
func (g ground) share(x, y, side int) int {
	switch g.pattern {
	case gradient:
		d := x*g.dx + y*g.dy
		if g.dy < 0 {
			d += side - 1
		}
		return d * 256 / ((side - 1) * (abs(g.dx) + abs(g.dy)))
	case speckle:
		cell := uint64(x*64/side)<<32 | uint64(y*64/side)
		return int(mix(g.grain^cell) & 255)
	case stripes:
		d := (x*g.dx + y*g.dy + side) * 64 / side
		return d / g.period % 2 * 256
	default:
		return 0
	}
}
