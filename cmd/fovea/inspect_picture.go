package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// pictureSummary is what a model sees of one picture.
type pictureSummary struct {
	File    string     `json:"file"`
	Width   int        `json:"width"`
	Height  int        `json:"height"`
	Tokens  int        `json:"tokens,omitempty"`
	Columns int        `json:"columns"` // of tiles behind the whole picture
	Rows    int        `json:"rows"`
	Views   []viewLine `json:"views"`
}

// viewLine is one view: its size, and the part of the picture that it shows.
type viewLine struct {
	Name   string     `json:"name"` // "whole", or row and column of a tile
	Width  int        `json:"width"`
	Height int        `json:"height"`
	Box    [4]float64 `json:"box"` // left, top, right, bottom in pixels of the picture
}

// lookAt tells how m sees a picture, and draws it to a PNG file if draw names one.
func lookAt(m *zoo.Model, img *imageproc.RGB, file, draw string) (*pictureSummary, error) {
	s := &pictureSummary{File: file, Width: img.W, Height: img.H}
	shown, err := m.Pictures.Show(img)
	if err != nil {
		return nil, err
	}
	s.Columns, s.Rows = shown.Cols, shown.Rows
	for i, v := range shown.Pictures {
		s.Views = append(s.Views, newViewLine(s, shown.Tile(i), v, shown.Geometry[i]))
	}
	if m.Processor != nil {
		if s.Tokens, err = tokensOf(m, img); err != nil {
			return nil, err
		}
	}
	if draw == "" {
		return s, nil
	}
	return s, writeImage(draw, shown.Mosaic().Image())
}

// newViewLine describes the view of a tile, or of the whole where tile is below 0.
func newViewLine(s *pictureSummary, tile int, v *imageproc.RGB, g imageproc.Geometry) viewLine {
	l := viewLine{Name: "whole", Width: v.W, Height: v.H}
	if tile >= 0 {
		l.Name = fmt.Sprintf("tile %d,%d", tile/s.Columns+1, tile%s.Columns+1)
	}
	box := g.ToOriginal(v.Bounds()).Clip(s.Width, s.Height)
	for k, x := range [4]float64{box.X0, box.Y0, box.X1, box.Y1} {
		l.Box[k] = math.Round(100*x) / 100
	}
	return l
}

// tokensOf counts the placeholders that the picture takes in a prompt: none where it
// is read by cross-attention.
func tokensOf(m *zoo.Model, img *imageproc.RGB) (int, error) {
	p, err := m.Processor.Process([]model.Turn{{Role: "user", Images: []*imageproc.RGB{img}}})
	if err != nil || len(p.At) == 0 {
		return 0, err
	}
	n := 0
	for at := p.At[0]; at < len(p.IDs) && p.IDs[at] == p.IDs[p.At[0]]; at++ {
		n++
	}
	return n, nil
}

// write prints the summary for people.
func (s *pictureSummary) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\npicture\t%s, %d×%d pixels\n", s.File, s.Width, s.Height)
	if s.Columns > 0 {
		fmt.Fprintf(t, "tiles\t%d across, %d down\n", s.Columns, s.Rows)
	}
	if s.Tokens > 0 {
		fmt.Fprintf(t, "tokens\t%d\n", s.Tokens)
	}
	for _, v := range s.Views {
		fmt.Fprintf(t, "  %s\t%d×%d\tshows %g,%g to %g,%g\n", v.Name, v.Width, v.Height, v.Box[0], v.Box[1], v.Box[2], v.Box[3])
	}
	return t.Flush()
}
