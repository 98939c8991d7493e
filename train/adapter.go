package train

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// adapterDir holds, in a checkpoint and in the output directory, what a run with LoRA
// learns: PEFT's files. The weights below it stay where the run began.
const adapterDir = "adapter"

// loraPart is the name that selects updates of low rank, as those of parts do.
const loraPart = "lora"

// partOf names the part that a parameter belongs to; an update is one of its own.
func (t *Trainer) partOf(name string) string {
	if t.Model.Adapter != nil && lora.Update(name) {
		return loraPart
	}
	return t.Model.Family.PartOf(name)
}

// learns reports whether a stage teaches a parameter. With LoRA nothing learns but
// the updates and what they save whole.
func (t *Trainer) learns(st *Stage, name string) bool {
	if t.Model.Adapter != nil && !t.Model.Adapter.Learns(name) {
		return false
	}
	return st.learns(name, t.partOf(name))
}

// attach gives a model that training begins with its updates.
func (r *Recipe) attach(m *zoo.Model) error {
	if r.Model.LoRA == nil {
		return nil
	}
	cfg := *r.Model.LoRA
	cfg.Seed = r.Seed
	return m.AttachLoRA(cfg)
}

// openAdapter opens the model that training began with, and the updates of a checkpoint.
func (r *Recipe) openAdapter(dir string) (*zoo.Model, error) {
	m, err := r.openBase()
	if err != nil {
		return nil, err
	}
	if err := m.OpenLoRA(filepath.Join(dir, adapterDir), nil); err != nil {
		return nil, err
	}
	m.Adapter.Reseed(r.Seed)
	return m, nil
}

func (r *Recipe) quantise(m *zoo.Model) error {
	if r.Model.Quant == "" {
		return nil
	}
	x, err := checkpoint.ParseMixture(r.Model.Quant)
	if err != nil {
		return err
	}
	return m.Quantize(x, nil)
}

// finishAdapter writes the updates, and the model with them merged if the recipe says so.
func (t *Trainer) finishAdapter(dir string, dtype tensor.DType) error {
	if err := t.Model.SaveLoRA(filepath.Join(t.Recipe.Output, adapterDir)); err != nil || !t.Recipe.Model.Merge {
		return err
	}
	stored := func(tensor.DType) tensor.DType { return dtype }
	if _, err := t.Model.MergeLoRA(t.ctx.Pool, stored); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return t.writeModel(dir, dtype)
}
