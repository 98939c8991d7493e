package imageproc

import (
	"image"
	"image/color"
	"image/draw"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Cell is one picture of a contact sheet with what is drawn on it, in its pixels, and
// what is written below: lines, broken where they are too long.
type Cell struct {
	Picture *RGB // nil leaves the place empty
	Shapes  []Shape
	Text    []string
}

// The measures of a cell in pixels. Its letters are 7 pixels wide and 13 high.
const (
	cellWidth   = 336
	cellPicture = 252 // height of the picture
	cellLines   = 9
	cellMargin  = 8
	letterWidth = 7
	lineHeight  = 14
	cellHeight  = cellPicture + cellLines*lineHeight + 3*cellMargin
)

// Sheet puts cells side by side, so many in a row.
func Sheet(cells []Cell, columns int) *image.NRGBA {
	columns = max(1, min(columns, len(cells)))
	rows := (len(cells) + columns - 1) / columns
	out := image.NewNRGBA(image.Rect(0, 0, columns*cellWidth, max(1, rows)*cellHeight))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	for i := range cells {
		cells[i].draw(out, i%columns*cellWidth, i/columns*cellHeight)
	}
	return out
}

// draw draws a cell whose left top corner is at a place.
func (c *Cell) draw(on *image.NRGBA, x, y int) {
	place := image.Rect(x+cellMargin, y+cellMargin, x+cellWidth-cellMargin, y+cellMargin+cellPicture)
	draw.Draw(on, place, image.NewUniform(color.Gray{Y: 236}), image.Point{}, draw.Src)
	if c.Picture != nil {
		c.picture(on, place)
	}
	d := font.Drawer{Dst: on, Src: image.Black, Face: basicfont.Face7x13}
	for i, line := range wrapped(c.Text, (cellWidth-2*cellMargin)/letterWidth, cellLines) {
		d.Dot = fixed.P(x+cellMargin, place.Max.Y+cellMargin+i*lineHeight+basicfont.Face7x13.Ascent)
		d.DrawString(line)
	}
}

// picture scales the picture to the place, and draws on it.
func (c *Cell) picture(on *image.NRGBA, place image.Rectangle) {
	scale := min(float64(place.Dx())/float64(c.Picture.W), float64(place.Dy())/float64(c.Picture.H))
	w, h := max(1, int(float64(c.Picture.W)*scale)), max(1, int(float64(c.Picture.H)*scale))
	shapes := make([]Shape, len(c.Shapes))
	for i, s := range c.Shapes {
		shapes[i].Label = s.Label
		for _, p := range s.Points {
			shapes[i].Points = append(shapes[i].Points, [2]float64{p[0] * scale, p[1] * scale})
		}
	}
	small := Resize(c.Picture, w, h, Bilinear).Draw(shapes)
	at := place.Min.Add(image.Pt((place.Dx()-w)/2, (place.Dy()-h)/2))
	draw.Draw(on, image.Rectangle{at, at.Add(image.Pt(w, h))}, small, image.Point{}, draw.Src)
}

// wrapped breaks texts into at most so many lines of so many letters, between words
// where it can.
func wrapped(texts []string, letters, lines int) (out []string) {
	for _, text := range texts {
		line := ""
		for word := range strings.FieldsSeq(text) {
			for {
				room := letters - utf8.RuneCountInString(line) - 1
				if line == "" {
					room = letters
				}
				n := utf8.RuneCountInString(word)
				if n <= room {
					line = strings.TrimPrefix(line+" "+word, " ")
					break
				}
				if n > letters { // a word that fits into no line
					runes := []rune(word)
					cut := max(0, room)
					line, word = strings.TrimPrefix(line+" "+string(runes[:cut]), " "), string(runes[cut:])
				}
				out, line = append(out, line), ""
			}
		}
		if line != "" {
			out = append(out, line)
		}
		if len(out) > lines {
			last := []rune(out[lines-1])
			out[lines-1] = string(last[:min(len(last), letters-4)]) + " ..."
			return out[:lines]
		}
	}
	return out
}
