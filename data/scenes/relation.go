package scenes

import "slices"

// drawRelation asks whether one object is in a direction of another, or what is there.
func drawRelation(s *source, objects []Object) (Program, bool) {
	open := s.percent(35)
	candidates := related(objects, s.percent(50))
	if finds := findable(objects); len(finds) > 0 && (open || len(candidates) == 0) {
		candidates = finds
	}
	if len(candidates) == 0 {
		return Program{}, false
	}
	c := pick(s, candidates)
	p := Program{Op: c.op, Relation: c.relation, Other: name(s, c.other, objects)}
	if c.op == OpRelated {
		p.Target = name(s, c.target, objects)
	}
	return p, true
}

// relating is a relation question before its objects have names.
type relating struct {
	op            Op
	relation      Relation
	target, other Object
}

// related returns the pairs whose order along an axis is clear, with a direction in
// which the first does, or does not, lie of the second.
func related(objects []Object, yes bool) []relating {
	var all []relating
	for _, a := range objects {
		for _, b := range objects {
			if !nameable(a, objects) || !nameable(b, objects) {
				continue
			}
			for _, r := range Relations() {
				d := r.offset(a, b)
				if yes && d >= clearly || !yes && d <= -clearly {
					all = append(all, relating{OpRelated, r, a, b})
				}
			}
		}
	}
	return all
}

// findable returns the objects and directions in which exactly one other object lies,
// all others lying clearly the other way.
func findable(objects []Object) []relating {
	var all []relating
	for i, o := range objects {
		if !nameable(o, objects) {
			continue
		}
		others := slices.Delete(slices.Clone(objects), i, i+1)
		for _, r := range Relations() {
			there, unclear := 0, false
			for _, p := range others {
				d := r.offset(p, o)
				unclear = unclear || abs(d) < clearly
				if d >= clearly {
					there++
				}
			}
			if there == 1 && !unclear {
				all = append(all, relating{op: OpFind, relation: r, other: o})
			}
		}
	}
	return all
}

func nameable(o Object, objects []Object) bool {
	return len(references(o, objects, OpRelated)) > 0
}

// name picks a way to name o, most often by colour and shape.
func name(s *source, o Object, objects []Object) Filter {
	all := references(o, objects, OpRelated)
	if s.percent(60) {
		return all[0]
	}
	return pick(s, all)
}
