package zoo

import (
	"errors"
	"fmt"
	"os"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// WriteDir writes the model as a directory in Hugging Face's layout, under the names of
// the checkpoint that it was opened from, with the files beside that which describe it.
// Weights are stored in dtype; 0 keeps that of each. The directory must not be the one
// that the model was opened from.
func (m *Model) WriteDir(dir string, dtype func(stored tensor.DType) tensor.DType) error {
	if err := m.writeDir(dir, dtype); err != nil {
		return fmt.Errorf("zoo: %s: %w", m.Name, err)
	}
	return nil
}

func (m *Model) writeDir(dir string, dtype func(tensor.DType) tensor.DType) error {
	switch {
	case m.Adapter != nil:
		return errUnmerged
	case !m.hub:
		return errors.New("it was not opened from a directory in Hugging Face's layout, and what it lacks for one cannot be made: write a GGUF file")
	}
	if oneDir(m.Name, dir) {
		return fmt.Errorf("%s is where its weights are read from: give another directory", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := CopyDescription(dir, m.files); err != nil {
		return err
	}
	stored, kernels := m.storedNames(), nn.Kernels(m.Net)
	params := m.params()
	for i := range params {
		p := &params[i]
		if shape, ok := kernels[p.Name]; ok {
			p.T = &tensor.Tensor{Shape: shape, DType: p.T.DType, F32: p.T.F32, Raw: p.T.Raw}
		}
		if theirs, ok := stored[p.Name]; ok {
			p.Name = theirs
		}
	}
	return checkpoint.WriteDir(dir, params, checkpoint.WriteOptions{
		Metadata: map[string]string{"format": "pt"},
		DType:    func(p checkpoint.Param) tensor.DType { return dtype(p.T.DType) },
	})
}

// oneDir reports whether two paths are one directory.
func oneDir(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
