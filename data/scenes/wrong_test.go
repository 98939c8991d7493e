package scenes

import (
	"fmt"
	"testing"
)

// TestWrong: wrong answers are of the kind of right ones, not true, and always the same.
func TestWrong(t *testing.T) {
	type kind struct {
		Type
		Lang
	}
	right, wrong := map[kind]map[string]bool{}, map[kind]map[string]string{}
	for i := range 1500 {
		s := Generate(19, i, Options{})
		again := Generate(19, i, Options{})
		for k, q := range s.Questions {
			of, w := kind{q.Type, q.Lang}, s.Wrong(k)
			if w == q.Answer || w != again.Wrong(k) {
				t.Fatalf("%s: %q: %q is wrong, %q right, and then wrong is %q", s.ID, q.Text, w, q.Answer, again.Wrong(k))
			}
			if said, want := things(q.Lang, w), things(q.Lang, q.Answer); len(said) != len(want) {
				t.Errorf("%s: %q: %q of another number of things than %q", s.ID, q.Text, w, q.Answer)
			}
			if right[of] == nil {
				right[of], wrong[of] = map[string]bool{}, map[string]string{}
			}
			right[of][q.Answer], wrong[of][w] = true, fmt.Sprintf("%s: %q", s.ID, q.Text)
		}
	}
	if len(right) != len(Types())*len(Langs()) {
		t.Errorf("%d kinds of questions", len(right))
	}
	for of, all := range wrong {
		for w, where := range all {
			if of.Type != Caption && !right[of][w] {
				t.Errorf("%s: %q is no answer to a question of %s", where, w, of.Type)
			}
		}
	}
}

// TestWrongIsPlausible: what is said of the wrong object is mostly seen in the picture.
func TestWrongIsPlausible(t *testing.T) {
	seen, n := 0, 0
	for i := range 400 {
		s := Generate(23, i, Options{Langs: []Lang{English}, Types: []Type{ColourOf}, Questions: 1})
		if (Filter{Colour: Colour(s.Questions[0].Answer)}).Count(s.Objects) == len(s.Objects) {
			continue
		}
		n++
		if (Filter{Colour: Colour(s.Wrong(0))}).Count(s.Objects) > 0 {
			seen++
		}
	}
	if share := float64(seen) / float64(n); share < 0.7 || share > 0.95 {
		t.Errorf("%d of %d wrong colours are in the picture", seen, n)
	}
}
