package grounding

import (
	"fmt"
	"slices"
	"strings"
)

// Dialect is how a family of models writes down where something is.
type Dialect struct {
	Name  string
	frame frame
	parse func(text string) []Mark // in the frame's coordinates
	write func(m Mark) string      // a mark in the frame's coordinates

	// phrase is a label with the places that it has, or either alone, in running text.
	phrase func(label string, marks []Mark) string
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
	out, err := d.framed(m, in)
	if err != nil {
		return "", err
	}
	return d.write(out), nil
}

// Phrase puts a label with all places that it has, in pixels of the original, into
// running text. There may be no places, or no label.
func (d *Dialect) Phrase(label string, marks []Mark, in Picture) (string, error) {
	var all []Mark
	for _, m := range marks {
		out, err := d.framed(m, in)
		if err != nil {
			return "", err
		}
		all = append(all, out)
	}
	return d.phrase(label, all), nil
}

// framed is a mark in the frame's coordinates.
func (d *Dialect) framed(m Mark, in Picture) (Mark, error) {
	if err := m.Check(in.W, in.H); err != nil {
		return m, err
	}
	out := Mark{Label: m.Label}
	for _, p := range m.Points {
		out.Points = append(out.Points, d.frame.to(in, p))
	}
	return out, nil
}

// plain is a label in front of its places, of dialects that have no sign for labels.
func (d *Dialect) plain(label string, marks []Mark) string {
	var all []string
	for _, m := range marks {
		all = append(all, d.write(m))
	}
	text := strings.Join(all, ", ")
	if label != "" && text != "" {
		label += " "
	}
	return label + text
}
