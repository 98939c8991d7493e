package grounding

import (
	"fmt"
	"slices"
)

// Dialect is how a family of models writes down where something is.
type Dialect struct {
	Name  string
	frame frame
	parse func(text string) []Mark // in the frame's coordinates
	write func(m Mark) string      // a mark in the frame's coordinates
}

// Find returns the marks of a text that a model wrote about a picture, special
// tokens included, in pixels of the original. What lies outside is clipped, and
// says so; what has no size inside is left out and told in notes.
func (d *Dialect) Find(text string, in Picture) (marks []Mark, notes []string) {
	for _, m := range d.parse(text) {
		written := slices.Clone(m.Points)
		for i, p := range m.Points {
			m.Points[i] = d.frame.from(in, p)
		}
		if !m.clip(in.W, in.H) {
			notes = append(notes, fmt.Sprintf("left out %q at %v: nothing of it is inside the picture, or its corners are out of order", m.Label, written))
			continue
		}
		marks = append(marks, m)
	}
	return marks, notes
}

// Write puts a mark, in pixels of the original, into the words of the family.
func (d *Dialect) Write(m Mark, in Picture) (string, error) {
	if err := m.Check(in.W, in.H); err != nil {
		return "", err
	}
	out := Mark{Label: m.Label}
	for _, p := range m.Points {
		out.Points = append(out.Points, d.frame.to(in, p))
	}
	return d.write(out), nil
}
