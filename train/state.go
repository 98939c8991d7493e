package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// A checkpoint is a directory in the Hugging Face layout with two files more:
// the optimizer's moments and what the trainer counts. It is written under
// another name and renamed when it is whole.
const (
	checkpointPrefix = "checkpoint-"
	stateFile        = "trainer_state.json"
	momentsFile      = "optimizer.safetensors"
	finalDir         = "model"
)

// state is where a run stands.
type state struct {
	Recipe  json.RawMessage `json:"recipe"` // to refuse going on with another one
	Stage   int             `json:"stage"`
	Step    int             `json:"step"`    // updates of the stage
	Total   int             `json:"total"`   // updates of all stages, and lines of the log
	Updates int             `json:"updates"` // of the optimizer since the stage began
}

// save writes a checkpoint and removes the oldest ones.
func (t *Trainer) save() error {
	dir := filepath.Join(t.Recipe.Output, fmt.Sprintf("%s%06d", checkpointPrefix, t.state.Total))
	tmp := dir + ".tmp"
	if err := errors.Join(os.RemoveAll(tmp), os.RemoveAll(dir), os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	if err := t.writeModel(tmp, tensor.F32); err != nil {
		return err
	}
	if err := checkpoint.Write(filepath.Join(tmp, momentsFile), t.opt.moments(), nil); err != nil {
		return err
	}
	data, err := json.MarshalIndent(t.state, "", "  ")
	if err != nil {
		return err
	}
	if err := checkpoint.WriteFileAtomic(filepath.Join(tmp, stateFile), data); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return t.prune()
}

// writeModel writes weights and the files that describe the model.
func (t *Trainer) writeModel(dir string, dtype tensor.DType) error {
	if err := copyFiles(dir, t.Model.Files()); err != nil {
		return err
	}
	var all []checkpoint.Param
	nn.Walk(t.Model.Net, func(name string, w *tensor.Tensor) {
		all = append(all, checkpoint.Param{Name: name, T: w})
	})
	return checkpoint.WriteDir(dir, all, checkpoint.WriteOptions{
		Metadata: map[string]string{"format": "pt"},
		DType:    func(checkpoint.Param) tensor.DType { return dtype },
	})
}

// moments lists the optimizer's tensors.
func (o *adamW) moments() []checkpoint.Param {
	var all []checkpoint.Param
	for _, p := range o.params {
		all = append(all,
			checkpoint.Param{Name: p.name + ".m", T: tensor.From(p.m, p.t.Shape...)},
			checkpoint.Param{Name: p.name + ".v", T: tensor.From(p.v, p.t.Shape...)})
	}
	return all
}

// checkpoints lists the whole checkpoints of an output directory, oldest first.
func checkpoints(output string) ([]string, error) {
	entries, err := os.ReadDir(output)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var dirs []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), checkpointPrefix) && !strings.HasSuffix(e.Name(), ".tmp") {
			dirs = append(dirs, filepath.Join(output, e.Name()))
		}
	}
	slices.Sort(dirs)
	return dirs, err
}

func (t *Trainer) prune() error {
	dirs, err := checkpoints(t.Recipe.Output)
	for len(dirs) > t.Recipe.Keep {
		err = errors.Join(err, os.RemoveAll(dirs[0]))
		dirs = dirs[1:]
	}
	return err
}

// readState reads where a checkpoint stands and checks that it is of this recipe.
func (t *Trainer) readState(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("%s: %w", stateFile, err)
	}
	if !sameJSON(s.Recipe, t.state.Recipe) {
		return fmt.Errorf("%s: it was made by another recipe; give the run another output directory, or remove %s", dir, t.Recipe.Output)
	}
	t.state = s
	return nil
}

func sameJSON(a, b json.RawMessage) bool {
	return string(pretty(a)) == string(pretty(b))
}

// readMoments fills the optimizer from a checkpoint.
func (t *Trainer) readMoments(dir string) error {
	c, err := checkpoint.Open(os.DirFS(dir), momentsFile)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, p := range t.opt.params {
		for suffix, dst := range map[string][]float32{".m": p.m, ".v": p.v} {
			src, err := c.Floats(p.name + suffix)
			if err != nil {
				return err
			}
			if len(src) != len(dst) {
				return fmt.Errorf("%s: %s%s has %d elements, want %d", momentsFile, p.name, suffix, len(src), len(dst))
			}
			copy(dst, src)
		}
	}
	t.opt.step = t.state.Updates
	return nil
}
