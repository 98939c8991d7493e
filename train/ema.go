package train

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// averageFile holds, in a checkpoint, the average of the weights that learn.
const averageFile = "ema.safetensors"

// average is the exponential moving average of what learns, in float32 (Polyak
// and Juditsky 1992). It forgets faster at first: weights that were drawn at
// random are none of the average's business. The nil average is of no use and
// does nothing.
type average struct {
	params  []*param
	weights [][]float32
	decay   float64
}

// newAverage begins with the weights as they are.
func newAverage(params []*param, decay float64) *average {
	if decay == 0 {
		return nil
	}
	a := &average{params: params, decay: decay}
	for _, p := range params {
		a.weights = append(a.weights, slices.Clone(p.t.F32))
	}
	return a
}

// add takes the weights behind update n, counted from 1.
func (a *average) add(n int, pool *kernel.Pool) {
	if a == nil {
		return
	}
	decay := min(a.decay, float64(1+n)/float64(10+n))
	for i, p := range a.params {
		pool.For(len(p.t.F32), 1<<15, func(lo, hi int) {
			mean := a.weights[i][lo:hi]
			for k, w := range p.t.F32[lo:hi] { // of a weight that rests this is the weight, to the bit
				mean[k] += float32(float32(1-decay) * (w - mean[k]))
			}
		})
	}
}

// swap exchanges the model's weights and their average.
func (a *average) swap() {
	if a == nil {
		return
	}
	for i, p := range a.params {
		for k, w := range a.weights[i] {
			a.weights[i][k], p.t.F32[k] = p.t.F32[k], w
		}
	}
}

// adopt gives the model the average for good.
func (a *average) adopt() {
	if a == nil {
		return
	}
	for i, p := range a.params {
		copy(p.t.F32, a.weights[i])
	}
}

// write saves the average in a checkpoint.
func (a *average) write(dir string) error {
	if a == nil {
		return nil
	}
	var all []checkpoint.Param
	for i, p := range a.params {
		all = append(all, checkpoint.Param{Name: p.name, T: tensor.From(a.weights[i], p.t.Shape...)})
	}
	return checkpoint.Write(filepath.Join(dir, averageFile), all, nil)
}

// read takes it out of a checkpoint again.
func (a *average) read(dir string) error {
	if a == nil {
		return nil
	}
	c, err := checkpoint.Open(os.DirFS(dir), averageFile)
	if err != nil {
		return err
	}
	for i, p := range a.params {
		if a.weights[i], err = floats(c, averageFile, p.name, p.t.Len()); err != nil {
			break
		}
	}
	return errors.Join(err, c.Close())
}

// checkAverage returns an error if a checkpoint should have an average and has none.
func (t *Trainer) checkAverage(dir string, s state) error {
	if s.Stage >= len(t.Recipe.Stages) || t.Recipe.Stages[s.Stage].EMA == 0 || s.Updates == 0 {
		return nil
	}
	c, err := checkpoint.Open(os.DirFS(dir), averageFile)
	if err != nil {
		return err
	}
	return c.Close()
}
