package scenes

// Shape, Colour and Size are the attributes of an object. The zero value means "any"
// in a [Filter] and does not occur in an [Object].
type (
	Shape  string
	Colour string
	Size   string
)

// The shapes.
const (
	Circle   Shape = "circle"
	Square   Shape = "square"
	Triangle Shape = "triangle"
	Star     Shape = "star"
	Cross    Shape = "cross"
	Diamond  Shape = "diamond"
)

// The colours.
const (
	Red    Colour = "red"
	Green  Colour = "green"
	Blue   Colour = "blue"
	Yellow Colour = "yellow"
	Orange Colour = "orange"
	Purple Colour = "purple"
	Black  Colour = "black"
	White  Colour = "white"
)

// The sizes: the box of a small object is at most 12.5/64 of the picture's side, that
// of a large one at least 18/64.
const (
	Small Size = "small"
	Large Size = "large"
)

// Shapes returns every shape.
func Shapes() []Shape { return []Shape{Circle, Square, Triangle, Star, Cross, Diamond} }

// Colours returns every colour.
func Colours() []Colour {
	return []Colour{Red, Green, Blue, Yellow, Orange, Purple, Black, White}
}

// Sizes returns every size.
func Sizes() []Size { return []Size{Small, Large} }

// Filter selects objects by their attributes; an empty field selects any.
type Filter struct {
	Size   Size   `json:"size,omitempty"`
	Colour Colour `json:"colour,omitempty"`
	Shape  Shape  `json:"shape,omitempty"`
}

// Matches tells whether o has every attribute that f names.
func (f Filter) Matches(o Object) bool {
	return (f.Size == "" || f.Size == o.Size) &&
		(f.Colour == "" || f.Colour == o.Colour) &&
		(f.Shape == "" || f.Shape == o.Shape)
}

// Count returns the number of objects that f matches.
func (f Filter) Count(objects []Object) int {
	n := 0
	for _, o := range objects {
		if f.Matches(o) {
			n++
		}
	}
	return n
}

// Relation is a direction in the picture.
type Relation string

// The relations.
const (
	LeftOf  Relation = "left"
	RightOf Relation = "right"
	Above   Relation = "above"
	Below   Relation = "below"
)

// Relations returns every relation.
func Relations() []Relation { return []Relation{LeftOf, RightOf, Above, Below} }

// clearly is the least difference of two centres along an axis, in units, for which we
// ask about their order.
const clearly = Unit / 8

// offset returns how far the centre of a lies in direction r from that of b, in units.
func (r Relation) offset(a, b Object) int {
	switch r {
	case LeftOf:
		return b.Centre[0] - a.Centre[0]
	case RightOf:
		return a.Centre[0] - b.Centre[0]
	case Above:
		return b.Centre[1] - a.Centre[1]
	default:
		return a.Centre[1] - b.Centre[1]
	}
}
