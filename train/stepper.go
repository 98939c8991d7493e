package train

import (
	"errors"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// Stepper makes updates of one stage from prompts that it is given, without data
// sets, logs and checkpoints: the arithmetic of training, to be timed.
type Stepper struct {
	t     *Trainer
	stage *Stage
}

// NewStepper freezes what the stage does not teach. The stage needs no data. pool
// may be nil, and says in which arithmetic.
func NewStepper(m *zoo.Model, stage Stage, pool *kernel.Pool) (*Stepper, error) {
	vlm, ok := m.VLM()
	if !ok {
		return nil, errors.New("train: the model does not generate text")
	}
	stage.fillDefaults()
	if err := errors.Join(stage.checkOptimizer(), stage.checkSelection()); err != nil {
		return nil, err
	}
	s := &Stepper{&Trainer{Model: m, vlm: vlm}, &stage}
	s.t.ctx.Train, s.t.ctx.Pool = true, pool
	return s, s.t.beginStage(&stage)
}

// Step makes one update and returns the loss before it.
func (s *Stepper) Step(p *model.Prompt) float64 {
	labelled := p.Labelled()
	loss := s.t.backward([]*model.Prompt{p}, labelled)
	s.t.opt.update(s.stage, s.stage.LR, clipping(s.stage.Clip, s.t.opt.norm()))
	return loss
}
