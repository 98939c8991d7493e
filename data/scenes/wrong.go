package scenes

import (
	"slices"
	"strconv"
)

// Wrong returns an answer to question i that is of the kind of the right one and not
// true: the opposite, one object more or fewer, another colour, shape or size, or a
// caption with one of these. A scene has one wrong answer to each of its questions.
func (s *Scene) Wrong(i int) string {
	q := s.Questions[i]
	from := s.key.source(streamWrong, uint64(i))
	switch p := q.Program; p.Op {
	case OpExist, OpRelated:
		return verdict(q.Lang, p.Op, !holds(p, s.Objects))
	case OpCount:
		n := p.Target.Count(s.Objects)
		if n == 0 || n < len(countWeights) && from.percent(50) {
			return strconv.Itoa(n + 1)
		}
		return strconv.Itoa(n - 1)
	default:
		return answer(q.Lang, p, otherwise(from, p, s.Objects))
	}
}

// otherwise are the objects with another attribute of the one that is asked about.
func otherwise(s *source, p Program, objects []Object) []Object {
	attributes := map[Op][]Op{OpFind: {OpColour, OpShape}, OpDescribe: {OpColour, OpShape, OpSize}}[p.Op]
	if attributes == nil {
		attributes = []Op{p.Op}
	}
	for {
		changed := slices.Clone(objects)
		var o *Object
		switch p.Op {
		case OpFind:
			o = &changed[slices.Index(objects, found(p, objects))]
		case OpDescribe:
			o = &changed[s.below(len(changed))]
		default:
			o = &changed[slices.IndexFunc(objects, p.Target.Matches)]
		}
		switch pick(s, attributes) {
		case OpColour:
			o.Colour = another(s, Colours(), o.Colour, objects, func(o Object) Colour { return o.Colour })
		case OpShape:
			o.Shape = another(s, Shapes(), o.Shape, objects, func(o Object) Shape { return o.Shape })
		default:
			o.Size = another(s, Sizes(), o.Size, objects, func(o Object) Size { return o.Size })
		}
		if p.Op != OpFind || p.Other.Count(changed) == 1 { // the question still means one object
			return changed
		}
	}
}

// another picks an element that is not v: mostly one that something in the picture has,
// so that the answer is wrong about the object and not about the picture.
func another[T comparable](s *source, all []T, v T, objects []Object, of func(Object) T) T {
	var near []T
	for _, o := range objects {
		if x := of(o); x != v {
			near = append(near, x)
		}
	}
	if len(near) > 0 && s.percent(75) {
		return pick(s, near)
	}
	for {
		if x := pick(s, all); x != v {
			return x
		}
	}
}
