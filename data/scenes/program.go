package scenes

// drawProgram draws a question of type t, or reports that the scene allows none
// without ambiguity. Answers are drawn first and things to ask about second, so that a
// guesser who does not see the picture gains little from the prior.
func drawProgram(s *source, t Type, objects []Object) (Program, bool) {
	switch t {
	case Existence:
		return drawExist(s, objects), true
	case ColourOf:
		return drawAttribute(s, OpColour, objects)
	case ShapeOf:
		return drawAttribute(s, OpShape, objects)
	case SizeOf:
		return drawAttribute(s, OpSize, objects)
	case CountOf:
		return drawCount(s, objects), true
	case RelationOf:
		return drawRelation(s, objects)
	default:
		return Program{Op: OpDescribe}, true
	}
}

// drawExist asks for something that is there as often as for something that is not.
func drawExist(s *source, objects []Object) Program {
	kind := s.weighted([]int{50, 15, 15, 20})
	there := s.percent(50)
	o := pick(s, objects)
	full := Filter{Size: o.Size, Colour: o.Colour, Shape: o.Shape}
	if !there {
		full = absent(s, kind, objects)
	}
	return Program{Op: OpExist, Target: narrow(full, kind)}
}

// narrow keeps the attributes that a kind of existence question names: colour and
// shape, the shape, the colour, or everything.
func narrow(f Filter, kind int) Filter {
	switch kind {
	case 0:
		return Filter{Colour: f.Colour, Shape: f.Shape}
	case 1:
		return Filter{Shape: f.Shape}
	case 2:
		return Filter{Colour: f.Colour}
	default:
		return f
	}
}

// absent draws attributes that no object has together. Most are hard: a colour and a
// shape that are both there but apart, a right colour with a wrong shape or the other
// way round, a right object of the wrong size.
func absent(s *source, kind int, objects []Object) Filter {
	var missing, near, swapped, wrongSize []Filter
	for _, f := range everything() {
		if narrow(f, kind).Count(objects) > 0 {
			continue
		}
		colour := Filter{Colour: f.Colour}.Count(objects) > 0
		shape := Filter{Shape: f.Shape}.Count(objects) > 0
		missing = append(missing, f)
		if colour != shape {
			near = append(near, f)
		}
		if colour && shape {
			swapped = append(swapped, f)
		}
		if (Filter{Colour: f.Colour, Shape: f.Shape}).Count(objects) > 0 {
			wrongSize = append(wrongSize, f)
		}
	}
	if kind == 1 || kind == 2 {
		return pick(s, missing)
	}
	choice := [][]Filter{missing, near, swapped}[s.weighted([]int{20, 40, 40})]
	if kind == 3 && s.percent(60) {
		choice = wrongSize
	}
	if len(choice) == 0 {
		choice = missing
	}
	return pick(s, choice)
}

// everything returns each combination of attributes once.
func everything() []Filter {
	var all []Filter
	for _, z := range Sizes() {
		for _, c := range Colours() {
			for _, h := range Shapes() {
				all = append(all, Filter{z, c, h})
			}
		}
	}
	return all
}

// drawAttribute asks for one attribute of an object that the others single out.
func drawAttribute(s *source, op Op, objects []Object) (Program, bool) {
	var targets []Object
	for _, o := range objects {
		if len(references(o, objects, op)) > 0 {
			targets = append(targets, o)
		}
	}
	if op == OpSize {
		targets = preferSize(targets, pick(s, Sizes()))
	}
	if len(targets) == 0 {
		return Program{}, false
	}
	return Program{Op: op, Target: pick(s, references(pick(s, targets), objects, op))}, true
}

// preferSize keeps the objects of a size if there are any, and all of them otherwise.
func preferSize(objects []Object, size Size) []Object {
	var kept []Object
	for _, o := range objects {
		if o.Size == size {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		return objects
	}
	return kept
}

// references returns the ways to name o so that nothing else in the scene is meant and
// the answer to op is not given away.
func references(o Object, objects []Object, op Op) []Filter {
	candidates := []Filter{
		{Colour: o.Colour, Shape: o.Shape}, {Shape: o.Shape}, {Colour: o.Colour},
		{Size: o.Size, Shape: o.Shape}, {Size: o.Size, Colour: o.Colour}, {Size: o.Size},
		{Size: o.Size, Colour: o.Colour, Shape: o.Shape},
	}
	if len(objects) == 1 {
		candidates = append(candidates, Filter{})
	}
	var unique []Filter
	for _, f := range candidates {
		tells := op == OpColour && f.Colour != "" || op == OpShape && f.Shape != "" || op == OpSize && f.Size != ""
		if !tells && f.Count(objects) == 1 {
			unique = append(unique, f)
		}
	}
	return unique
}

// countOdds weigh the possible answers 0 to 5: large counts are possible in few scenes.
var countOdds = []int{10, 12, 20, 40, 90, 200}

// drawCount draws one of the answers that the scene allows and then what to count.
func drawCount(s *source, objects []Object) Program {
	var byAnswer [6][][]Filter
	for _, kind := range countable(objects) {
		var split [6][]Filter
		for _, f := range kind {
			n := f.Count(objects)
			split[n] = append(split[n], f)
		}
		for n, filters := range split {
			if len(filters) > 0 {
				byAnswer[n] = append(byAnswer[n], filters)
			}
		}
	}
	odds := make([]int, len(byAnswer))
	for n := range odds {
		if len(byAnswer[n]) > 0 {
			odds[n] = countOdds[n]
		}
	}
	kinds := byAnswer[s.weighted(odds)]
	return Program{Op: OpCount, Target: pick(s, pick(s, kinds))}
}

// countable returns what may be counted, kind by kind: everything, a shape, a colour,
// a size, a shape in a colour.
func countable(objects []Object) [][]Filter {
	kinds := make([][]Filter, 5)
	kinds[0] = []Filter{{}}
	for _, h := range Shapes() {
		kinds[1] = append(kinds[1], Filter{Shape: h})
	}
	for _, c := range Colours() {
		kinds[2] = append(kinds[2], Filter{Colour: c})
	}
	for _, z := range Sizes() {
		kinds[3] = append(kinds[3], Filter{Size: z})
	}
	for _, f := range everything()[:len(Colours())*len(Shapes())] {
		kinds[4] = append(kinds[4], Filter{Colour: f.Colour, Shape: f.Shape})
	}
	return kinds
}
