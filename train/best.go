package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/fovea-ml/fovea/checkpoint"
)

// bestPrefix begins the names of the files that hold the weights of the best
// measurement of a stage. A run that goes on from before the measurement makes it again,
// and the file; one that goes on from behind it reads it when the stage is over.
const bestPrefix = "best-"

// bestFile is that of a stage, counted from 0.
func bestFile(stage int) string { return fmt.Sprintf("%s%d.safetensors", bestPrefix, stage+1) }

// patient reports whether the stage may go on.
func (t *Trainer) patient() bool {
	v := t.valid[t.state.Stage]
	return v == nil || v.Patience == 0 || t.state.Valid.Waited < v.Patience
}

// over reports whether the stage, of so many steps, has done its last.
func (t *Trainer) over(steps int) bool { return t.state.Step >= steps || !t.patient() }

func (t *Trainer) keepBest() error {
	var all []checkpoint.Param
	for _, p := range t.opt.params {
		all = append(all, checkpoint.Param{Name: p.name, T: p.t})
	}
	name := filepath.Join(t.Recipe.Output, bestFile(t.state.Stage))
	err := checkpoint.Write(name, all, map[string]string{"step": strconv.Itoa(t.state.Valid.Step)})
	return t.explainSave(err, sizeOf(all))
}

// settle gives the model the weights that the stage ends with when it is over: the
// best, or else the average, or else those of the last step.
func (t *Trainer) settle(steps int) error {
	if t.state.Settled || !t.over(steps) {
		return nil
	}
	t.state.Settled = true
	if v := t.valid[t.state.Stage]; v == nil || v.Patience == 0 {
		t.average.adopt()
		return nil
	}
	name := bestFile(t.state.Stage)
	c, step, err := openBest(t.Recipe.Output, name)
	if err != nil {
		return err
	}
	if step != t.state.Valid.Step {
		err = fmt.Errorf("%s is of step %d, not of step %d, the best of this run: remove %s and begin anew", name, step, t.state.Valid.Step, t.Recipe.Output)
	}
	for _, p := range t.opt.params {
		if err != nil {
			break
		}
		var w []float32
		if w, err = floats(c, name, p.name, p.t.Len()); err == nil {
			copy(p.t.F32, w)
		}
	}
	return errors.Join(err, c.Close())
}

// openBest opens the best weights, and tells of which step of their stage they are; 0 if
// they do not say.
func openBest(output, name string) (c *checkpoint.Checkpoint, step int, err error) {
	if c, err = checkpoint.Open(os.DirFS(output), name); err != nil {
		return nil, 0, err
	}
	step, _ = strconv.Atoi(c.Metadata()["step"])
	return c, step, nil
}

// needsBest reports whether a run that goes on from a state reads the best weights of
// its stage, unless it finds better ones.
func (s *state) needsBest() bool { return s.Valid.Step > 0 && !s.Settled }

// checkBest returns an error if a checkpoint needs the best weights, and they are gone or
// older. Later ones are of steps that will be done again.
func (t *Trainer) checkBest(s state) error {
	if !s.needsBest() {
		return nil
	}
	name := bestFile(s.Stage)
	c, step, err := openBest(t.Recipe.Output, name)
	if err != nil {
		return fmt.Errorf("the best weights of its stage are needed: %w", err)
	}
	if step < s.Valid.Step {
		err = fmt.Errorf("%s is of step %d, and the best was step %d", name, step, s.Valid.Step)
	}
	return errors.Join(err, c.Close())
}

// pruneBest removes the best weights that no checkpoint needs, nor the run.
func (t *Trainer) pruneBest() error {
	if !slices.ContainsFunc(t.valid, func(v *validation) bool { return v != nil && v.Patience > 0 }) {
		return nil
	}
	needed := map[string]bool{}
	if t.state.needsBest() {
		needed[bestFile(t.state.Stage)] = true
	}
	dirs, err := checkpoints(t.Recipe.Output)
	for _, dir := range dirs {
		if s, err := t.readState(dir); err == nil && s.needsBest() { // nobody goes on from one that cannot be read
			needed[bestFile(s.Stage)] = true
		}
	}
	return errors.Join(err, t.removeBest(needed))
}

// removeBest removes the best weights of all stages but some.
func (t *Trainer) removeBest(but map[string]bool) (err error) {
	for i, v := range t.valid {
		if name := bestFile(i); v != nil && v.Patience > 0 && !but[name] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(t.Recipe.Output, name)))
		}
	}
	return err
}
