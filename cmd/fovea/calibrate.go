package main

import (
	"context"
	"fmt"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/zoo"
)

// calibrateFlags name the samples that tell which weights matter.
type calibrateFlags struct {
	Calibrate       string   `help:"UTF-8 text to run the model on first: weights that its inputs make much of are kept more precisely." placeholder:"FILE"`
	CalibrateImages []string `name:"calibrate-images" help:"Picture to run the model on for the same; may be repeated." placeholder:"FILE" sep:"none"`
	pictureFlags
}

// importance runs the model on the samples; it is nil if there are none.
func (f calibrateFlags) importance(ctx context.Context, g *globals, m *zoo.Model) (func(name string) []float32, error) {
	if f.Calibrate == "" && len(f.CalibrateImages) == 0 {
		return nil, nil
	}
	pool := g.pool()
	defer pool.Close()
	c, err := zoo.NewCalibration(m, pool)
	if err != nil {
		return nil, err
	}
	bar := newProgress(0, 1, false)
	defer bar.end()
	if f.Calibrate != "" {
		text, err := readText(f.Calibrate)
		if err != nil {
			return nil, err
		}
		if err := c.Text(ctx, text, func(done, windows int) { bar.of(windows).at(done, "calibrating by text") }); err != nil {
			return nil, fmt.Errorf("--calibrate %s: %w", f.Calibrate, err)
		}
	}
	for i, file := range f.CalibrateImages {
		pictures, err := f.open(m, file)
		if err != nil {
			return nil, err
		}
		if err := c.Picture(ctx, pictures[0]); err != nil {
			return nil, fmt.Errorf("--calibrate-images %s: %w", file, err)
		}
		bar.of(len(f.CalibrateImages)).at(i+1, "calibrating by pictures")
	}
	return c.Importance()
}

// check refuses samples for types that take no notice of them.
func (f calibrateFlags) check(x checkpoint.Mixture) error {
	if (f.Calibrate != "" || len(f.CalibrateImages) > 0) && (!x.Base.Quantised() || x.Name == "q8_0") {
		return fmt.Errorf("--type %s rounds every weight alike and needs no calibration: leave --calibrate and --calibrate-images out", x.Name)
	}
	return nil
}
