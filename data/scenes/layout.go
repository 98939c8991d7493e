package scenes

// All in units of the layout (1024 to the side, so 16 to a pixel of a 64×64 picture).
const (
	smallMin, smallMax = 11 * 16, 25 * 8 // 11 to 12.5 of 64 pixels
	largeMin, largeMax = 18 * 16, 22 * 16
	margin             = 24
	minGap             = 48 // between the boxes of two objects
)

// countWeights are the odds of 1, 2, … 5 objects.
var countWeights = []int{16, 23, 24, 21, 16}

// layout draws the objects of a scene: attributes first, then places without overlap.
func layout(s *source, side, most int) []Object {
	objects := make([]Object, 1+s.weighted(countWeights[:most]))
	drawAttributes(s, objects)
	for {
		drawSizes(s, objects)
		if place(s, objects) {
			break
		}
	}
	for i := range objects {
		objects[i].paint = shade(s, objects[i].Colour)
		objects[i].Box = boundingBox(objects[i], side)
	}
	return objects
}

// drawAttributes gives each object a shape and a colour. Half of the scenes have a
// theme, a shape or a colour that many of the objects share: otherwise every count
// would be 0 or 1.
func drawAttributes(s *source, objects []Object) {
	theme := s.below(4)
	shape, colour := pick(s, Shapes()), pick(s, Colours())
	for i := range objects {
		objects[i].Shape, objects[i].Colour = pick(s, Shapes()), pick(s, Colours())
		if theme == 0 && s.percent(75) {
			objects[i].Shape = shape
		}
		if theme == 1 && s.percent(75) {
			objects[i].Colour = colour
		}
	}
}

func drawSizes(s *source, objects []Object) {
	for i := range objects {
		o := &objects[i]
		if s.percent(50) {
			o.Size, o.Extent = Small, s.between(smallMin, smallMax)
		} else {
			o.Size, o.Extent = Large, s.between(largeMin, largeMax)
		}
	}
}

// place draws centres one by one and reports whether every object found room.
func place(s *source, objects []Object) bool {
	for i := range objects {
		o := &objects[i]
		lo := margin + (o.Extent+1)/2
		for try := 0; ; try++ {
			if try == 100 {
				return false
			}
			o.Centre = [2]int{s.between(lo, Unit-lo), s.between(lo, Unit-lo)}
			if isFree(*o, objects[:i]) {
				break
			}
		}
	}
	return true
}

func isFree(o Object, others []Object) bool {
	for _, p := range others {
		need := (o.Extent+p.Extent+1)/2 + minGap
		if abs(o.Centre[0]-p.Centre[0]) < need && abs(o.Centre[1]-p.Centre[1]) < need {
			return false
		}
	}
	return true
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
