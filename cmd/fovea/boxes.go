package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/zoo"
)

// boxFlags are about places in pictures, in pixels of the file's picture.
type boxFlags struct {
	Boxes bool     `help:"Print where the things are that the answer names, as JSON: [{label, box: [x1, y1, x2, y2]}], points and quads alike."`
	Draw  string   `help:"Draw them on the picture, into this PNG file." placeholder:"FILE"`
	Box   []string `help:"Point at something in the question: LABEL=X1,Y1,X2,Y2 (or X,Y for a point), written the model's way where {} stands, or at the end. May be repeated." placeholder:"MARK" sep:"none"`
}

// wanted reports whether the answer's places are asked for.
func (f *boxFlags) wanted() bool { return f.Boxes || f.Draw != "" }

// check refuses the flags for models and prompts that they say nothing to. Places
// are those of the last picture.
func (f *boxFlags) check(m *zoo.Model, images []*imageproc.RGB) error {
	switch {
	case !f.wanted() && len(f.Box) == 0:
		return nil
	case m.Family.Boxes == nil:
		return fmt.Errorf("%s: a %s does not tell where things are: leave out --boxes, --draw and --box", m.Name, m.Family.Architecture)
	case len(images) == 0:
		return fmt.Errorf("--boxes, --draw and --box are about a picture: give --image")
	}
	return nil
}

// pointed puts the marks of --box into a question.
func (f *boxFlags) pointed(m *zoo.Model, question string, images []*imageproc.RGB) (string, error) {
	for _, arg := range f.Box {
		mark, err := parseMark(arg)
		if err != nil {
			return "", fmt.Errorf("--box %s: %w", arg, err)
		}
		img := images[len(images)-1]
		views, err := m.Pictures.Views(img)
		if err != nil {
			return "", err
		}
		text, err := m.Family.Boxes.Write(mark, grounding.Picture{W: img.W, H: img.H, Seen: views.Each[0].Geometry})
		if err != nil {
			return "", fmt.Errorf("--box %s: %w", arg, err)
		}
		if strings.Contains(question, "{}") {
			question = strings.Replace(question, "{}", text, 1)
		} else {
			question = strings.TrimSpace(question + " " + text)
		}
	}
	return question, nil
}

// parseMark reads LABEL=X1,Y1,X2,Y2.
func parseMark(arg string) (grounding.Mark, error) {
	label, list, ok := strings.Cut(arg, "=")
	if !ok {
		label, list = "", arg
	}
	m := grounding.Mark{Label: label}
	numbers := strings.Split(list, ",")
	if n := len(numbers); n != 2 && n != 4 && n != 8 {
		return m, fmt.Errorf("want LABEL=X1,Y1,X2,Y2, in pixels")
	}
	for i := 0; i < len(numbers); i += 2 {
		x, errX := strconv.ParseFloat(strings.TrimSpace(numbers[i]), 64)
		y, errY := strconv.ParseFloat(strings.TrimSpace(numbers[i+1]), 64)
		if errX != nil || errY != nil {
			return m, fmt.Errorf("%q, %q: want numbers of pixels", numbers[i], numbers[i+1])
		}
		m.Points = append(m.Points, grounding.Point{X: x, Y: y})
	}
	return m, nil
}

// find reads the places out of an answer, and draws them if asked to.
func (f *boxFlags) find(m *zoo.Model, ids []int32, p *model.Prompt, images []*imageproc.RGB) ([]grounding.Mark, error) {
	img := images[len(images)-1]
	pictures := slices.DeleteFunc(slices.Clone(p.Images), func(t *model.Tiles) bool { return t.Clip != nil })
	tiles := pictures[len(pictures)-1]
	in := grounding.Picture{W: img.W, H: img.H, Seen: tiles.Geometry[0]}
	marks, notes := m.Family.Boxes.Find(m.Tokenizer.Decode(ids, false), in)
	for _, n := range notes {
		fmt.Fprintln(os.Stderr, "fovea:", n)
	}
	if f.Draw == "" {
		return marks, nil
	}
	shapes := make([]imageproc.Shape, len(marks))
	for i, mark := range marks {
		shapes[i].Label = mark.Label
		for _, p := range mark.Points {
			shapes[i].Points = append(shapes[i].Points, [2]float64{p.X, p.Y})
		}
	}
	return marks, writeImage(f.Draw, img.Draw(shapes))
}

// writeImage writes a PNG file.
func writeImage(file string, m image.Image) error {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return checkpoint.WriteFileAtomic(file, b.Bytes())
}
