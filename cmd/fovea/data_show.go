package main

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/imageproc"
)

type dataShowCmd struct {
	dataFlags
	N       int    `help:"Number of samples." default:"12" placeholder:"N"`
	Seed    uint64 `help:"Which samples: the same seed shows the same." default:"0" placeholder:"N"`
	Columns int    `help:"Samples in a row." default:"4" placeholder:"N"`
	Out     string `help:"PNG file to write." default:"sheet.png" placeholder:"FILE"`
}

// maxShown bounds the samples of a sheet.
const maxShown = 1000

func (dataShowCmd) Help() string {
	return `Draws the first picture of each sample with its boxes, and below it what is asked and
answered. Letters other than Latin ones are drawn as empty boxes.

Examples:

    fovea data show llava.json --images images --n 12
    fovea data show refcoco --images train2014 --split testA --seed 3 --out refcoco.png`
}

// Run draws the sheet.
func (c *dataShowCmd) Run() error {
	if c.N < 1 || c.N > maxShown || c.Columns < 1 {
		return fmt.Errorf("--n %d --columns %d: want 1 to %d samples", c.N, c.Columns, maxShown)
	}
	d, err := c.open()
	if err != nil {
		return err
	}
	n := min(c.N, d.Len())
	if n == 0 {
		return errors.Join(fmt.Errorf("%s has no samples that are whole; see fovea data validate", c.Path), d.Close())
	}
	var cells []imageproc.Cell
	for i := range n {
		s, err := d.At(data.Shuffled(c.Seed, 0, d.Len(), i))
		if err != nil {
			return errors.Join(err, d.Close())
		}
		cell, err := c.cell(s)
		if err != nil {
			return errors.Join(err, d.Close())
		}
		cells = append(cells, cell)
	}
	if err := d.Close(); err != nil {
		return err
	}
	if err := writeImage(c.Out, imageproc.Sheet(cells, c.Columns)); err != nil {
		return err
	}
	fmt.Printf("%d of %d samples in %s\n", n, d.Len(), c.Out)
	return nil
}

// cell is a sample on the sheet. A picture that cannot be opened is told in its place.
func (c *dataShowCmd) cell(s *data.Sample) (cell imageproc.Cell, err error) {
	cell.Text = []string{s.ID}
	if n := len(s.Images); n > 1 {
		cell.Text[0] += fmt.Sprintf(" (1 of %d pictures)", n)
	}
	if len(s.Images) > 0 {
		img, err := s.Images[0].Open()
		switch {
		case err == nil:
			cell.Picture, cell.Shapes = img, s.Outlines(0, img.W, img.H)
		case c.Strict:
			return cell, err
		default:
			if p, ok := errors.AsType[*data.Problem](err); ok {
				err = p.Err // which sample it is stands above
			}
			cell.Text = append(cell.Text, "! "+oneLine(err))
		}
	}
	for i := range s.Turns {
		t := &s.Turns[i]
		sign := map[string]string{data.User: "Q: ", data.Assistant: "A: ", data.System: "S: "}[t.Role]
		words := t.Words()
		if words == "" && t.Places != nil {
			words = fmt.Sprintf("(%d boxes)", len(t.Places.Boxes))
		}
		cell.Text = append(cell.Text, sign+words)
	}
	return cell, nil
}
