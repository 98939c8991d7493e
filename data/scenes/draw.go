package scenes

import (
	"image"
	"slices"
)

// Rasterising is done in fixed point, 1/256 pixel, on 8×8 samples per pixel.
const (
	fixed   = 256
	samples = 8
	step    = fixed / samples
)

type point struct{ x, y int64 }

// outlines are the polygons, in thousandths of the extent around the centre. A circle
// has none.
var outlines = map[Shape][]point{
	Square:   {{-500, -500}, {500, -500}, {500, 500}, {-500, 500}},
	Triangle: {{0, -460}, {500, 460}, {-500, 460}},
	Diamond:  {{0, -500}, {500, 0}, {0, 500}, {-500, 0}},
	Star: {{0, -476}, {130, -129}, {500, -112}, {210, 118}, {309, 476},
		{0, 271}, {-309, 476}, {-210, 118}, {-500, -112}, {-130, -129}},
	Cross: {{-170, -500}, {170, -500}, {170, -170}, {500, -170}, {500, 170}, {170, 170},
		{170, 500}, {-170, 500}, {-170, 170}, {-500, 170}, {-500, -170}, {-170, -170}},
}

// position turns a coordinate, the centre in units plus an offset in thousandths of
// the extent, into fixed-point pixels.
func position(centre int, thousandths int64, extent, side int) int64 {
	return floorDiv((int64(centre)*1000+thousandths*int64(extent))*int64(side)*fixed, Unit*1000)
}

// polygon returns the outline of o in fixed-point pixels, nil for a circle.
func polygon(o Object, side int) []point {
	outline := outlines[o.Shape]
	points := make([]point, len(outline))
	for i, p := range outline {
		points[i].x = position(o.Centre[0], p.x, o.Extent, side)
		points[i].y = position(o.Centre[1], p.y, o.Extent, side)
	}
	return points
}

// disc returns the centre and the radius of a circle in fixed-point pixels.
func disc(o Object, side int) (point, int64) {
	c := point{position(o.Centre[0], 0, o.Extent, side), position(o.Centre[1], 0, o.Extent, side)}
	return c, position(0, 500, o.Extent, side)
}

// boundingBox returns the smallest box of whole pixels around o.
func boundingBox(o Object, side int) [4]int {
	corners := polygon(o, side)
	if o.Shape == Circle {
		c, r := disc(o, side)
		corners = []point{{c.x - r, c.y - r}, {c.x + r, c.y + r}}
	}
	lo, hi := corners[0], corners[0]
	for _, p := range corners {
		lo.x, lo.y = min(lo.x, p.x), min(lo.y, p.y)
		hi.x, hi.y = max(hi.x, p.x), max(hi.y, p.y)
	}
	return [4]int{
		int(lo.x / fixed), int(lo.y / fixed),
		int((hi.x + fixed - 1) / fixed), int((hi.y + fixed - 1) / fixed),
	}
}

// drawObject paints o over the picture, each pixel by the share of it that o covers.
func drawObject(img *image.RGBA, o Object) {
	side := img.Rect.Dx()
	shape := polygon(o, side)
	centre, radius := disc(o, side)
	cover := make([]int, o.Box[2]-o.Box[0])
	var cuts []int64
	for y := o.Box[1]; y < o.Box[3]; y++ {
		clear(cover)
		for sub := range samples {
			at := int64(y*fixed + sub*step + step/2)
			if o.Shape == Circle {
				cuts = discCuts(cuts[:0], centre, radius, at)
			} else {
				cuts = polygonCuts(cuts[:0], shape, at)
			}
			addSpans(cover, cuts, o.Box[0])
		}
		row := img.Pix[img.PixOffset(o.Box[0], y):]
		for x, n := range cover {
			blend(row[4*x:], o.paint, n)
		}
	}
}

// polygonCuts appends the places where the line y crosses the outline, in order.
func polygonCuts(cuts []int64, points []point, y int64) []int64 {
	a := points[len(points)-1]
	for _, b := range points {
		if (a.y <= y) != (b.y <= y) {
			cuts = append(cuts, a.x+floorDiv((y-a.y)*(b.x-a.x), b.y-a.y))
		}
		a = b
	}
	slices.Sort(cuts)
	return cuts
}

// discCuts appends the two places where the line y crosses the circle, if it does.
func discCuts(cuts []int64, c point, radius, y int64) []int64 {
	rest := radius*radius - (y-c.y)*(y-c.y)
	if rest <= 0 {
		return cuts
	}
	half := squareRoot(rest)
	return append(cuts, c.x-half, c.x+half)
}

// addSpans adds the samples between each pair of cuts to the pixels they lie in;
// cover[0] is pixel left.
func addSpans(cover []int, cuts []int64, left int) {
	for i := 0; i+1 < len(cuts); i += 2 {
		from := sampleAfter(cuts[i]) - left*samples
		to := sampleAfter(cuts[i+1]) - left*samples
		for from < to {
			next := min((from/samples+1)*samples, to)
			cover[from/samples] += next - from
			from = next
		}
	}
}

// sampleAfter returns the number of the first sample at or behind x on its line.
func sampleAfter(x int64) int { return int((x - step/2 + step - 1) / step) }

func blend(p []uint8, c rgb, n int) {
	const all = samples * samples
	for i := range c {
		p[i] = uint8((int(p[i])*(all-n) + int(c[i])*n + all/2) / all)
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if (a%b != 0) && ((a < 0) != (b < 0)) {
		q--
	}
	return q
}

// squareRoot returns the whole part of the root of x >= 0.
func squareRoot(x int64) int64 {
	root := int64(0)
	for bit := int64(1) << 30; bit > 0; bit >>= 1 {
		if t := root + bit; t*t <= x {
			root = t
		}
	}
	return root
}
