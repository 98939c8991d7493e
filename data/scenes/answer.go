package scenes

import (
	"cmp"
	"slices"
)

// phrase puts a program into words.
func phrase(s *source, lang Lang, p Program) string {
	if lang == Chinese {
		return phraseChinese(s, p)
	}
	return phraseEnglish(s, p)
}

// answer runs a program and puts what comes out into words.
func answer(lang Lang, p Program, objects []Object) string {
	if lang == Chinese {
		return answerChinese(p, objects)
	}
	return answerEnglish(p, objects)
}

// verdict puts the outcome of a yes-or-no program into words.
func verdict(lang Lang, op Op, yes bool) string {
	words := [2]string{"no", "yes"}
	switch {
	case lang == Chinese && op == OpExist:
		words = [2]string{"没有", "有"}
	case lang == Chinese:
		words = [2]string{"否", "是"}
	}
	if yes {
		return words[1]
	}
	return words[0]
}

// holds runs a yes-or-no program.
func holds(p Program, objects []Object) bool {
	if p.Op == OpExist {
		return p.Target.Count(objects) > 0
	}
	return p.Relation.offset(only(p.Target, objects), only(p.Other, objects)) >= clearly
}

// only returns the one object that f matches.
func only(f Filter, objects []Object) Object {
	return objects[slices.IndexFunc(objects, f.Matches)]
}

// found returns the one object in the direction of the program.
func found(p Program, objects []Object) Object {
	other := only(p.Other, objects)
	i := slices.IndexFunc(objects, func(o Object) bool {
		return p.Relation.offset(o, other) >= clearly
	})
	return objects[i]
}

// fromLeft returns the objects in the order of captions: by the centre from left to
// right, from top to bottom where that is equal.
func fromLeft(objects []Object) []Object {
	return slices.SortedStableFunc(slices.Values(objects), func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.Centre[0], b.Centre[0]), cmp.Compare(a.Centre[1], b.Centre[1]))
	})
}

// separator returns what stands before item i of n in a list.
func separator(i, n int, comma, and string) string {
	switch {
	case i == 0:
		return ""
	case i == n-1:
		return and
	default:
		return comma
	}
}
