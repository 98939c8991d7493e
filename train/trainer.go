package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
	OnStep func(Step)  // called after every step; may be nil
	OnSkip func(error) // called for every sample that cannot be read; may be nil
	Broken []error     // newer checkpoints that could not be read and were passed over

	// Measure does what a stage's measures ask for, with the model as it is. It is
	// called from Run, and must be set if the recipe has measures.
	Measure    func(ctx context.Context, m *zoo.Model, what Measure) ([]Metric, error)
	OnMeasured func([]Measured) // called with what has been found when a stage is done; may be nil

	ctx     tensor.Ctx
	vlm     model.VLM
	sets    [][]*source // of each stage
	watch   *source     // Recipe.Watch, once somebody looks
	stages  []*feeder
	valid   []*validation // of each stage
	opt     *optimizer
	average *average // of what the stage teaches
	state   state
	from    string // checkpoint that the run was resumed from
	saved   int    // steps of the newest checkpoint, -1 if there is none
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
	if t.valid, err = t.Recipe.openValidation(); err != nil {
		return err
	}
	t.state.Data = t.fingerprints()
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
	for i := range t.sets {
		s, err := t.stream(i)
		if err != nil {
			return fmt.Errorf("stage %d (%s): %s: %w", i+1, t.Recipe.Stages[i].Name, t.Model.Name, err)
		}
		t.stages = append(t.stages, newFeeder(s))
	}
	return t.readyValidation()
}

// begin starts a run of its own, and leaves the recipe beside it.
func (t *Trainer) begin() (err error) {
	resolved := filepath.Join(t.Recipe.Output, resolvedFile)
	if err := checkpoint.WriteFileAtomic(resolved, pretty(t.state.Recipe)); err != nil {
		return err
	}
	if t.Model, err = t.Recipe.start(t.sets); err != nil {
		return err
	}
	if err := t.load(); err != nil || t.Recipe.Model.From == "" {
		return err
	}
	base := filepath.Join(t.Recipe.Output, baseDir)
	return errors.Join(os.MkdirAll(base, 0o755), zoo.CopyDescription(base, t.Model.Files()))
}

// Close closes the data sets and the model.
func (t *Trainer) Close() error {
	if t.watch != nil {
		t.sets = append(t.sets, []*source{t.watch})
	}
	err := closeSets(t.sets)
	for _, v := range t.valid {
		if v != nil {
			err = errors.Join(err, closeSets([][]*source{v.sets}))
		}
	}
	if t.Model != nil {
		err = errors.Join(err, t.Model.Close())
	}
	return err
}

// Resumed is the number of steps that were done before this process began.
func (t *Trainer) Resumed() int { return t.state.Total }

// Measured is what has been found of the stages that are done.
func (t *Trainer) Measured() []Measured { return t.state.Measured }

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
	if err := errors.Join(t.run(ctx, log), log.close()); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

func (t *Trainer) run(ctx context.Context, log *logbook) error {
	for t.state.Stage < len(t.Recipe.Stages) {
		if err := t.runStage(ctx, log); err != nil {
			return fmt.Errorf("stage %s: %w", t.Recipe.Stages[t.state.Stage].Name, err)
		}
		t.state = state{Recipe: t.state.Recipe, Data: t.state.Data, Stage: t.state.Stage + 1, Total: t.state.Total, Measured: t.state.Measured}
		t.opt, t.average = &optimizer{}, nil
	}
	if err := t.save(log); err != nil {
		return err
	}
	if err := t.finish(); err != nil {
		return t.explainSave(err, t.modelSize())
	}
	return t.removeBest(nil)
}

// finish writes the final model.
func (t *Trainer) finish() error {
	dtype, err := kernel.ParseDType(t.Recipe.DType)
	if err != nil {
		return err
	}
	dir := filepath.Join(t.Recipe.Output, finalDir)
	if t.Model.Adapter != nil {
		return t.finishAdapter(dir, dtype)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := t.writeModel(dir, dtype); err != nil {
		return err
	}
	_, pipeline, err := t.processor(len(t.Recipe.Stages) - 1)
	if err != nil || pipeline == nil {
		return err
	}
	return checkpoint.WriteFileAtomic(filepath.Join(dir, "preprocessor_config.json"), pipeline)
}

func (t *Trainer) runStage(ctx context.Context, log *logbook) error {
	f := t.stages[t.state.Stage]
	if err := t.beginStage(f.stage); err != nil {
		return err
	}
	if err := f.rewind(t.state.Cursor); err != nil {
		return err
	}
	if err := t.measureBefore(ctx, log); err != nil {
		return err
	}
	if err := t.updates(ctx, f, log); err != nil {
		return err
	}
	return t.measureAfter(ctx, log)
}

// updates does the steps of a stage.
func (t *Trainer) updates(ctx context.Context, f *feeder, log *logbook) error {
	steps := f.steps()
	next, stop := f.prefetch(t.state.Step, steps)
	defer stop()
	for !t.over(steps) {
		if err := ctx.Err(); err != nil {
			return cmp.Or(t.save(log), err)
		}
		b := <-next
		if b.err != nil {
			return b.err
		}
		s, err := t.step(f, b)
		if err != nil {
			return err
		}
		if err := log.add(s); err != nil {
			return err
		}
		if t.OnStep != nil {
			t.OnStep(s)
		}
		if err := t.settle(steps); err != nil {
			return err
		}
		if t.state.Total%t.Recipe.Save == 0 {
			if err := t.save(log); err != nil {
				return err
			}
		}
	}
	return t.settle(steps) // of a run that goes on from its last step
}

// beginStage freezes what the stage does not teach and readies the optimizer.
func (t *Trainer) beginStage(st *Stage) error {
	if err := st.checkNames(t.Model.Net, t.partOf); err != nil {
		return err
	}
	nn.Freeze(t.Model.Net, func(string) bool { return false }) // forgets the gradients of the stage before
	nn.Freeze(t.Model.Net, func(name string) bool { return t.learns(st, name) })
	t.opt = newOptimizer(st, t.Model.Net, t.partOf, t.ctx.Pool)
	if len(t.opt.params) == 0 {
		return fmt.Errorf("nothing learns: train is %v and freeze %v", st.Train, st.Freeze)
	}
	nn.Parts(t.Model.Net, func(part any) {
		if r, ok := part.(model.Recomputer); ok {
			r.SetRecompute(st.Recompute)
		}
	})
	t.average = newAverage(t.opt.params, st.EMA)
	if t.state.Updates == 0 {
		return nil
	}
	if err := t.average.read(t.from); err != nil {
		return err
	}
	c, err := openMoments(t.from)
	if err != nil {
		return err
	}
	return errors.Join(t.opt.restore(c, t.state.Updates, t.state.Missed), c.Close())
}

// step does one step: an update, unless no sample of the batch teaches anything.
func (t *Trainer) step(f *feeder, b *batch) (Step, error) {
	st, steps := f.stage, f.steps()
	if t.OnSkip != nil {
		for _, err := range b.broken {
			t.OnSkip(err)
		}
	}
	loss, terms, err := t.learn(f, b)
	if err != nil {
		return Step{}, err
	}
	s := Step{
		Stage: st.Name, Step: t.state.Step + 1, Of: steps, Loss: loss, LR: st.rate(t.state.Step, steps, st.warm(steps, f.stepsOfEpoch())),
		Norm: t.opt.norm(), Tokens: b.tokens, Labelled: b.labelled, Skipped: b.skipped, Broken: len(b.broken), Terms: terms,
	}
	if err := t.guard(b, loss, s.Norm); err != nil {
		return s, err
	}
	if b.labelled > 0 {
		t.opt.update(st, s.LR, clipping(st.Clip, s.Norm))
		t.average.add(t.opt.step, t.ctx.Pool)
		t.state.Trend.add(loss)
	}
	t.state.Step++
	t.state.Total++
	t.state.Cursor = b.cursor
	t.state.Updates = t.opt.step
	if err := t.state.Trend.check(st.most()); err != nil {
		return s, fmt.Errorf("step %d: %w", s.Step, err)
	}
	s.Valid, err = t.validate(steps)
	return s, err
}

// clipping is the factor that brings a gradient's norm down to the most.
func clipping(most, norm float64) float64 {
	if most > 0 && norm > most {
		return most / norm
	}
	return 1
}
