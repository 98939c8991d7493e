package train

import (
	"fmt"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
)

// explainSave tells of a save that failed how much room it takes, and what is
// left of the run.
func (t *Trainer) explainSave(err error, bytes int64) error {
	if err == nil {
		return nil
	}
	left := "there is no checkpoint yet"
	if t.saved >= 0 {
		left = fmt.Sprintf("the checkpoint of step %d stays", t.saved)
	}
	return fmt.Errorf("saving after step %d takes %.1f MB in %s: %w; %s, and the same command goes on when there is room",
		t.state.Total, float64(bytes)/1e6, t.Recipe.Output, err, left)
}

// sizeOf is how many bytes tensors take in float32.
func sizeOf(all []checkpoint.Param) (n int64) {
	for _, p := range all {
		n += 4 * int64(p.T.Len())
	}
	return n
}

// checkpointSize is what a checkpoint takes, but for a few small files.
func (t *Trainer) checkpointSize() int64 {
	n := t.modelSize() + sizeOf(t.opt.moments())
	if t.average != nil {
		for _, w := range t.average.weights {
			n += 4 * int64(len(w))
		}
	}
	return n
}

func (t *Trainer) modelSize() int64 {
	return 4 * int64(nn.Count(t.Model.Net, func(string) bool { return true }))
}
