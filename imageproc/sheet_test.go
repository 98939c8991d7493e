package imageproc

import (
	"image/color"
	"slices"
	"testing"
)

func TestSheet(t *testing.T) {
	red := NewRGB(40, 30)
	red.fill(Color{255, 0, 0})
	m := Sheet([]Cell{{Picture: red, Shapes: []Shape{{Points: [][2]float64{{10, 5}, {30, 25}}}}, Text: []string{"a"}}, {Text: []string{"no picture"}}, {Picture: NewRGB(1, 5000)}}, 2)
	if m.Rect.Dx() != 2*cellWidth || m.Rect.Dy() != 2*cellHeight {
		t.Fatalf("%v", m.Rect)
	}
	middle := m.NRGBAAt(cellWidth/2, cellMargin+cellPicture/2)
	edge := m.NRGBAAt(cellMargin+(cellWidth-2*cellMargin)/4, cellMargin+cellPicture/2) // of the box, at a quarter of the width
	if (middle != color.NRGBA{255, 0, 0, 255}) || edge != outlineColours[0] {
		t.Errorf("middle %v, edge of the box %v", middle, edge)
	}
	if got := Sheet(nil, 4); got.Rect.Empty() {
		t.Errorf("%v", got.Rect)
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		texts []string
		lines int
		want  []string
	}{
		{[]string{"one two three"}, 9, []string{"one two", "three"}},
		{[]string{"a", "", "b"}, 9, []string{"a", "b"}},
		{[]string{"abcdefghijklmnop q"}, 9, []string{"abcdefgh", "ijklmnop", "q"}},
		{[]string{"x abcdefghijklmnop"}, 9, []string{"x abcdef", "ghijklmn", "op"}},
		{[]string{"长长长长长长长长长"}, 9, []string{"长长长长长长长长", "长"}},
		{[]string{"one two three four five"}, 2, []string{"one two", "thre ..."}},
	} {
		if got := wrapped(c.texts, 8, c.lines); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.texts, got, c.want)
		}
	}
}
