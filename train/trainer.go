package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// Trainer runs a recipe.
type Trainer struct {
	Recipe *Recipe
	Model  *zoo.Model
	OnStep func(Step) // called after every update; may be nil

	ctx   tensor.Ctx
	vlm   model.VLM
	opt   *adamW
	state state
}

// New prepares a run in the recipe's output directory: from its newest whole
// checkpoint if there is one, else from the beginning. pool may be nil.
func New(r *Recipe, pool *kernel.Pool) (*Trainer, error) {
	t := &Trainer{Recipe: r}
	t.ctx = tensor.Ctx{Train: true, Pool: pool}
	if err := t.prepare(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return t, nil
}

func (t *Trainer) prepare() (err error) {
	if t.state.Recipe, err = json.Marshal(t.Recipe); err != nil {
		return err
	}
	if err := os.MkdirAll(t.Recipe.Output, 0o755); err != nil {
		return err
	}
	resolved := filepath.Join(t.Recipe.Output, "recipe.json")
	dirs, err := checkpoints(t.Recipe.Output)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		if err := checkpoint.WriteFileAtomic(resolved, pretty(t.state.Recipe)); err != nil {
			return err
		}
		t.Model, err = t.Recipe.start()
	} else {
		t.Model, err = t.resume(dirs[len(dirs)-1])
	}
	if err != nil {
		return err
	}
	vlm, ok := t.Model.VLM()
	if !ok {
		return fmt.Errorf("%s: a %s does not generate text and cannot be trained here", t.Model.Name, t.Model.Family.Architecture)
	}
	t.vlm = vlm
	return nil
}

func (t *Trainer) resume(dir string) (*zoo.Model, error) {
	if err := t.readState(dir); err != nil {
		return nil, err
	}
	return zoo.OpenDir(dir)
}

// Resumed is the number of updates that were done before this process began.
func (t *Trainer) Resumed() int { return t.state.Total }

// Steps is the number of updates of every stage.
func (t *Trainer) Steps() ([]int, error) {
	var all []int
	for i := range t.Recipe.Stages {
		f, err := newFeeder(t.Recipe, i, t.Model.Processor, t.vlm.Decoder().Context())
		if err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
		all = append(all, f.steps())
	}
	return all, nil
}

// Run trains to the end, or until ctx is cancelled: it saves a checkpoint then
// and returns the context's error. The final model is in the output directory's
// "model".
func (t *Trainer) Run(ctx context.Context) error {
	log, err := openLog(t.Recipe.Output, t.state.Total)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer log.close()
	for t.state.Stage < len(t.Recipe.Stages) {
		if err := t.runStage(ctx, log); err != nil {
			return fmt.Errorf("train: stage %s: %w", t.Recipe.Stages[t.state.Stage].Name, err)
		}
		t.state = state{Recipe: t.state.Recipe, Stage: t.state.Stage + 1, Total: t.state.Total}
	}
	if err := t.finish(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// finish writes the final model.
func (t *Trainer) finish() error {
	dtype, err := kernel.ParseDType(t.Recipe.DType)
	if err != nil {
		return err
	}
	dir := filepath.Join(t.Recipe.Output, finalDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return t.writeModel(dir, dtype)
}

func (t *Trainer) runStage(ctx context.Context, log *logbook) error {
	st := &t.Recipe.Stages[t.state.Stage]
	f, err := newFeeder(t.Recipe, t.state.Stage, t.Model.Processor, t.vlm.Decoder().Context())
	if err != nil {
		return err
	}
	if err := t.begin(st); err != nil {
		return err
	}
	steps := f.steps()
	next := prefetch(f, t.state.Step, steps)
	for t.state.Step < steps {
		if err := ctx.Err(); err != nil {
			return firstError(t.save(), err)
		}
		b := <-next
		if b.err != nil {
			return b.err
		}
		s, err := t.step(st, b, steps)
		if err != nil {
			return err
		}
		if err := log.add(s); err != nil {
			return err
		}
		if t.OnStep != nil {
			t.OnStep(s)
		}
		if t.state.Total%t.Recipe.Save == 0 {
			if err := t.save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// prefetch makes the batches from a step on in a goroutine, one ahead of their use.
func prefetch(f *feeder, from, to int) <-chan *batch {
	out := make(chan *batch, 1)
	go func() {
		for step := from; step < to; step++ {
			b := f.batch(step)
			out <- b
			if b.err != nil {
				return
			}
		}
	}()
	return out
}

// begin freezes what the stage does not teach and readies the optimizer.
func (t *Trainer) begin(st *Stage) error {
	part := t.Model.Family.PartOf
	nn.Freeze(t.Model.Net, func(name string) bool { return slices.Contains(st.Train, part(name)) })
	t.opt = newAdamW(t.Model.Net, part, t.ctx.Pool)
	if len(t.opt.params) == 0 {
		return fmt.Errorf("nothing learns: the model has none of the parts %v", st.Train)
	}
	if l, ok := t.vlm.Decoder().(*llama.Model); ok {
		l.Recompute = st.Recompute
	}
	if t.state.Updates > 0 {
		dirs, err := checkpoints(t.Recipe.Output)
		if err != nil {
			return err
		}
		return t.readMoments(dirs[len(dirs)-1])
	}
	return nil
}

// step does one update.
func (t *Trainer) step(st *Stage, b *batch, steps int) (Step, error) {
	loss := 0.0
	for _, p := range b.parts {
		l := model.Loss(&t.ctx, t.vlm, p, float32(b.labelled))
		loss += float64(l.F32[0])
		t.ctx.Backward(l)
		t.ctx.Reset()
	}
	s := Step{
		Stage: st.Name, Step: t.state.Step + 1, Of: steps, Loss: loss, LR: st.rate(t.state.Step, steps),
		Norm: t.opt.norm(), Tokens: b.tokens, Labelled: b.labelled, Skipped: b.skipped,
	}
	if math.IsNaN(loss+s.Norm) || math.IsInf(loss+s.Norm, 0) {
		return s, fmt.Errorf("step %d: the loss is %v and the gradient's norm %v: lower lr, or set clip", s.Step, loss, s.Norm)
	}
	scale := 1.0
	if st.Clip > 0 && s.Norm > st.Clip {
		scale = st.Clip / s.Norm
	}
	t.opt.update(st, s.LR, scale)
	t.state.Step++
	t.state.Total++
	t.state.Updates = t.opt.step
	return s, nil
}
