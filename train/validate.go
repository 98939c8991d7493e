package train

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// Validate measures a stage by the loss of samples that it does not learn.
type Validate struct {
	Data     []Source `json:"data"`
	Count    int      `json:"count,omitempty"`    // of the first samples, taken from the sources by turns; 0 is all
	Every    int      `json:"every"`              // optimizer steps; the last one is always followed by a measurement
	Patience int      `json:"patience,omitempty"` // measurements without a better one that end the stage, with the best weights; 0 never does
}

func (v *Validate) check() error {
	switch {
	case len(v.Data) == 0:
		return errors.New("data is empty")
	case v.Every < 1 || v.Count < 0 || v.Patience < 0:
		return fmt.Errorf("every %d, count %d, patience %d", v.Every, v.Count, v.Patience)
	}
	for i := range v.Data {
		if err := v.Data[i].check(); err != nil {
			return fmt.Errorf("data %d: %w", i+1, err)
		}
	}
	return nil
}

// valid is how the measurements of a stage went so far.
type valid struct {
	Best   float64 `json:"best"`
	Step   int     `json:"step"`   // of the best; 0 before the first
	Waited int     `json:"waited"` // measurements since then
}

// validation is an open Validate; nil measures nothing.
type validation struct {
	*Validate
	stream
}

// openValidation opens what the stages are validated with, nil for those that are not.
func (r *Recipe) openValidation() (all []*validation, err error) {
	for i, st := range r.Stages {
		if st.Validate == nil {
			all = append(all, nil)
			continue
		}
		v := &validation{st.Validate, stream{recipe: &Recipe{}, stage: &r.Stages[i]}} // one seed for all runs
		all = append(all, v)
		for k, d := range st.Validate.Data {
			s, err := d.open(r.Strict)
			if err != nil {
				return all, fmt.Errorf("stage %d (%s): validate: data %d: %w", i+1, st.Name, k+1, err)
			}
			v.sets = append(v.sets, s)
		}
		v.choose()
	}
	return all, nil
}

// readyValidation gives each what the samples of its stage are read with.
func (t *Trainer) readyValidation() error {
	for i, v := range t.valid {
		if v == nil {
			continue
		}
		if v.proc, v.most, v.ground = t.stages[i].proc, t.stages[i].most, t.stages[i].ground; v.proc == nil {
			return fmt.Errorf("stage %d (%s): validate: only answers can be measured, and this stage teaches none", i+1, v.stage.Name)
		}
	}
	return nil
}

// choose lists the samples that are measured.
func (v *validation) choose() {
	for i, more := 0, true; more; i++ {
		more = false
		for k, s := range v.sets {
			if i < s.Len() && (v.Count == 0 || len(v.fixed) < v.Count) {
				v.fixed, more = append(v.fixed, [2]int{k, i}), true
			}
		}
	}
}

// due reports whether step, counted from 1, is followed by a measurement.
func (v *validation) due(step, steps int) bool {
	return v != nil && (step%v.Every == 0 || step == steps)
}

// loss is the mean over the labelled tokens of all samples, of what each loses times its weight.
func (v *validation) loss(c *tensor.Ctx, m model.VLM) (float64, error) {
	sum, labelled := 0.0, 0
	c.Train = false
	defer func() { c.Train = true }()
	for place, at := range v.fixed {
		p, err := v.prompt(place)
		if err != nil {
			return 0, fmt.Errorf("validate: sample %d of data %d: %w", at[1]+1, at[0]+1, err)
		}
		if n := p.Labelled(); n > 0 && p.Longest() <= v.most {
			sum += float64(model.Loss(c, m, p, 1).F32[0])
			labelled += n
			c.Reset()
		}
	}
	if labelled == 0 {
		return 0, errors.New("validate: no sample has a labelled token and is short enough")
	}
	return sum / float64(labelled), nil
}

// validate measures the model behind a step if it is due, and keeps the best
// weights if the stage has patience.
func (t *Trainer) validate(steps int) (float64, error) {
	v := t.valid[t.state.Stage]
	if !v.due(t.state.Step, steps) {
		return 0, nil
	}
	t.average.swap()
	defer t.average.swap()
	loss, err := v.loss(&t.ctx, t.vlm)
	if err == nil && !isFinite(loss) {
		err = fmt.Errorf("validate: the loss behind step %d is %v: lower lr, or set clip", t.state.Step, loss)
	}
	if err != nil || v.Patience == 0 {
		return loss, err
	}
	if b := &t.state.Valid; b.Step > 0 && loss >= b.Best {
		b.Waited++
		return loss, nil
	}
	t.state.Valid = valid{Best: loss, Step: t.state.Step}
	return loss, t.keepBest()
}
