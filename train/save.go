package train

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// A checkpoint is a directory in the Hugging Face layout with two files more:
// the optimizer's moments and the state of the run. It is written under another
// name, every file of it synced, and renamed when it is whole.
const (
	checkpointPrefix = "checkpoint-"
	unfinished       = ".tmp"
	momentsFile      = "optimizer.safetensors"
	finalDir         = "model"
	resolvedFile     = "recipe.json"
)

// save writes a checkpoint, unless there is one of this step, and removes the
// oldest.
func (t *Trainer) save(log *logbook) error {
	if t.saved == t.state.Total {
		return nil
	}
	dir := filepath.Join(t.Recipe.Output, fmt.Sprintf("%s%06d", checkpointPrefix, t.state.Total))
	tmp := dir + unfinished
	if err := t.saveAs(dir, tmp, log); err != nil {
		return t.explainSave(errors.Join(err, os.RemoveAll(tmp)), t.checkpointSize())
	}
	t.saved = t.state.Total
	return errors.Join(t.prune(), t.pruneBest())
}

func (t *Trainer) saveAs(dir, tmp string, log *logbook) error {
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	if err := errors.Join(t.writeCheckpoint(tmp), log.sync()); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil { // a broken one
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return checkpoint.SyncDir(t.Recipe.Output)
}

func (t *Trainer) writeCheckpoint(dir string) error {
	if err := t.writeWeights(dir); err != nil {
		return err
	}
	if err := checkpoint.Write(filepath.Join(dir, momentsFile), t.opt.moments(), nil); err != nil {
		return err
	}
	if err := t.average.write(dir); err != nil {
		return err
	}
	t.state.Missed = t.opt.missed()
	data, err := json.MarshalIndent(t.state, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteFileAtomic(filepath.Join(dir, stateFile), data)
}

// writeWeights writes what learns, and what belongs to it.
func (t *Trainer) writeWeights(dir string) error {
	if t.Model.Adapter != nil {
		return t.Model.SaveLoRA(filepath.Join(dir, adapterDir))
	}
	return t.writeModel(dir, tensor.F32)
}

// writeModel writes weights and the files that describe the model.
func (t *Trainer) writeModel(dir string, dtype tensor.DType) error {
	// Not from where the model was opened: an old checkpoint is removed in time.
	if err := zoo.CopyDescription(dir, os.DirFS(filepath.Join(t.Recipe.Output, baseDir))); err != nil {
		return err
	}
	return checkpoint.WriteDir(dir, modelParams(t.Model.Net), checkpoint.WriteOptions{
		Metadata: map[string]string{"format": "pt"},
		DType:    func(checkpoint.Param) tensor.DType { return dtype },
	})
}

// modelParams lists the parameters of a model in the shapes of its reference.
func modelParams(net any) (all []checkpoint.Param) {
	kernels := nn.Kernels(net)
	nn.Walk(net, func(name string, w *tensor.Tensor) {
		if shape, ok := kernels[name]; ok {
			w = &tensor.Tensor{Shape: shape, DType: w.DType, F32: w.F32, Raw: w.Raw}
		}
		all = append(all, checkpoint.Param{Name: name, T: w})
	})
	return all
}

// openMoments opens the optimizer's part of a checkpoint.
func openMoments(dir string) (*checkpoint.Checkpoint, error) {
	return checkpoint.Open(os.DirFS(dir), momentsFile)
}

// checkpoints lists the finished checkpoints of an output directory, oldest first.
func checkpoints(output string) ([]string, error) {
	entries, err := os.ReadDir(output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if stepOf(e.Name()) >= 0 {
			dirs = append(dirs, filepath.Join(output, e.Name()))
		}
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(stepOf(filepath.Base(a)), stepOf(filepath.Base(b))) })
	return dirs, nil
}

// stepOf is the step in the name of a checkpoint, -1 if it is none.
func stepOf(name string) int {
	digits, ok := strings.CutPrefix(name, checkpointPrefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 {
		return -1
	}
	return n
}

// prune removes all but the newest checkpoints. Those of later steps than this
// one are broken ones that the run has passed over.
func (t *Trainer) prune() error {
	dirs, err := checkpoints(t.Recipe.Output)
	if err != nil {
		return err
	}
	kept := 0
	for _, dir := range slices.Backward(dirs) {
		if kept < t.Recipe.Keep && stepOf(filepath.Base(dir)) <= t.state.Total {
			kept++
			continue
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// removeUnfinished removes what a killed process left of a checkpoint, and of
// the files beside.
func removeUnfinished(output string) error {
	entries, err := os.ReadDir(output)
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), unfinished)
		if ok && (stepOf(name) >= 0 || hasPrefix(name, bestPrefix, logFile+".", resolvedFile+".")) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(output, e.Name())))
		}
	}
	return err
}

func hasPrefix(name string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
