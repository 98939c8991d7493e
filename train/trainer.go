package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// Trainer runs a recipe. It is used by one goroutine.
type Trainer struct {
	Recipe *Recipe
	Model  *zoo.Model
	OnStep func(Step) // called after every step; may be nil
	Broken []error    // newer checkpoints that could not be read and were passed over

	ctx    tensor.Ctx
	vlm    model.VLM
	sets   [][]*source // of each stage
	watch  *source     // Recipe.Watch, once somebody looks
	stages []*feeder
	opt    *optimizer
	state  state
	from   string // checkpoint that the run was resumed from
	saved  int    // steps of the newest checkpoint, -1 if there is none
}

// New prepares a run in the recipe's output directory: from its newest whole
// checkpoint if there is one, else from the beginning. All data sets are opened;
// Close closes them. pool may be nil.
func New(r *Recipe, pool *kernel.Pool) (*Trainer, error) {
	t := &Trainer{Recipe: r, saved: -1}
	t.ctx = tensor.Ctx{Train: true, Pool: pool}
	if pool != nil && r.Compute == "BF16" {
		pool.Compute = kernel.BF16
	}
	if err := t.prepare(); err != nil {
		return nil, fmt.Errorf("train: %w", errors.Join(err, t.Close()))
	}
	return t, nil
}

func (t *Trainer) prepare() (err error) {
	if t.state.Recipe, err = json.Marshal(t.Recipe); err != nil {
		return err
	}
	if t.sets, err = t.Recipe.open(); err != nil {
		return err
	}
	if err := os.MkdirAll(t.Recipe.Output, 0o755); err != nil {
		return err
	}
	if err := removeUnfinished(t.Recipe.Output); err != nil {
		return err
	}
	if t.Model, err = t.resume(); err != nil {
		return err
	}
	if t.Model == nil {
		if err := t.begin(); err != nil {
			return err
		}
	}
	vlm, ok := t.Model.VLM()
	if !ok {
		return fmt.Errorf("%s: a %s does not generate text and cannot be trained here", t.Model.Name, t.Model.Family.Architecture)
	}
	t.vlm = vlm
	for i, sets := range t.sets {
		t.stages = append(t.stages, newFeeder(t.Recipe, i, sets, t.Model.Processor, vlm.Decoder().Context()))
	}
	return nil
}

// begin starts a run of its own, and leaves the recipe beside it.
func (t *Trainer) begin() (err error) {
	resolved := filepath.Join(t.Recipe.Output, "recipe.json")
	if err := checkpoint.WriteFileAtomic(resolved, pretty(t.state.Recipe)); err != nil {
		return err
	}
	if t.Model, err = t.Recipe.start(t.sets); err != nil || t.Recipe.Model.From == "" {
		return err
	}
	base := filepath.Join(t.Recipe.Output, baseDir)
	return errors.Join(os.MkdirAll(base, 0o755), copyFiles(base, t.Model.Files()))
}

// Close closes the data sets and the model.
func (t *Trainer) Close() error {
	if t.watch != nil {
		t.sets = append(t.sets, []*source{t.watch})
	}
	err := closeSets(t.sets)
	if t.Model != nil {
		err = errors.Join(err, t.Model.Close())
	}
	return err
}

// Resumed is the number of steps that were done before this process began.
func (t *Trainer) Resumed() int { return t.state.Total }

// Steps is the number of steps of every stage.
func (t *Trainer) Steps() []int {
	var all []int
	for _, f := range t.stages {
		all = append(all, f.steps())
	}
	return all
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
		t.opt = &optimizer{}
	}
	if err := t.save(log); err != nil {
		return fmt.Errorf("train: %w", err)
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
	f := t.stages[t.state.Stage]
	if err := t.beginStage(f.stage); err != nil {
		return err
	}
	steps := f.steps()
	next, stop := f.prefetch(t.state.Step, steps)
	defer stop()
	for t.state.Step < steps {
		if err := ctx.Err(); err != nil {
			return cmp.Or(t.save(log), err)
		}
		b := <-next
		if b.err != nil {
			return b.err
		}
		s, err := t.step(f.stage, b, steps)
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
			if err := t.save(log); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginStage freezes what the stage does not teach and readies the optimizer.
func (t *Trainer) beginStage(st *Stage) error {
	part := t.Model.Family.PartOf
	nn.Freeze(t.Model.Net, func(string) bool { return false }) // forgets the gradients of the stage before
	nn.Freeze(t.Model.Net, func(name string) bool { return slices.Contains(st.Train, part(name)) })
	t.opt = newOptimizer(st.Optimizer, t.Model.Net, part, t.ctx.Pool)
	if len(t.opt.params) == 0 {
		return fmt.Errorf("nothing learns: the model has none of the parts %v", st.Train)
	}
	if d, ok := t.vlm.Decoder().(model.Recomputer); ok {
		d.SetRecompute(st.Recompute)
	}
	if t.state.Updates == 0 {
		return nil
	}
	c, err := openMoments(t.from)
	if err != nil {
		return err
	}
	return errors.Join(t.opt.restore(c, t.state.Updates, t.state.Missed), c.Close())
}

// step does one step: an update, unless no sample of the batch teaches anything.
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
	if b.labelled > 0 {
		t.opt.update(st, s.LR, clipping(st.Clip, s.Norm))
	}
	t.state.Step++
	t.state.Total++
	t.state.Updates = t.opt.step
	return s, nil
}

// clipping is the factor that brings a gradient's norm down to the most.
func clipping(most, norm float64) float64 {
	if most > 0 && norm > most {
		return most / norm
	}
	return 1
}
