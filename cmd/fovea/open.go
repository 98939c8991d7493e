package main

import (
	"fmt"

	"github.com/fovea-ml/fovea/embedded"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// openModel opens a checkpoint directory; "" stands for the model in the binary.
func openModel(name string) (*zoo.Model, error) {
	if name == "" {
		return zoo.Open(embedded.Tiny(), embedded.Name)
	}
	return zoo.OpenDir(name)
}

// openGenerator opens a model that answers questions.
func openGenerator(name string) (*zoo.Model, model.VLM, error) {
	m, err := openModel(name)
	if err != nil {
		return nil, nil, err
	}
	vlm, ok := m.VLM()
	if !ok {
		_ = m.Close()
		return nil, nil, fmt.Errorf("%s: a %s does not generate text; try fovea inspect", m.Name, m.Family.Architecture)
	}
	return m, vlm, nil
}

// pictureFlags say how picture files are read.
type pictureFlags struct {
	Background *colour `help:"Colour behind transparent pixels: white, black or #rrggbb. Without it transparency is dropped." placeholder:"COLOUR"`
}

// open decodes picture files for a model.
func (f pictureFlags) open(m *zoo.Model, files ...string) ([]*imageproc.RGB, error) {
	if len(files) > 0 && m.Pictures == nil {
		return nil, fmt.Errorf("%s reads text only and takes no pictures: leave them out, or give another --model", m.Name)
	}
	var out []*imageproc.RGB
	for _, file := range files {
		img, err := imageproc.OpenFile(file, imageproc.Options{Background: (*imageproc.Color)(f.Background)})
		if err != nil {
			return nil, err
		}
		out = append(out, img)
	}
	return out, nil
}

// colour is a flag's value: a name or #rrggbb.
type colour imageproc.Color

// UnmarshalText reads a colour.
func (c *colour) UnmarshalText(text []byte) error {
	switch string(text) {
	case "white":
		*c = colour(imageproc.White)
		return nil
	case "black":
		*c = colour{}
		return nil
	}
	if _, err := fmt.Sscanf(string(text), "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil || len(text) != len("#rrggbb") {
		return fmt.Errorf("%q is not white, black or #rrggbb", text)
	}
	return nil
}
