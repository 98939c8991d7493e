package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Plan is what a run would do, take and cost.
type Plan struct {
	Recipe     string      `json:"recipe"`
	Model      string      `json:"architecture"`
	Parameters int         `json:"parameters"`
	Output     string      `json:"output"`
	Done       int         `json:"updates_done"` // of an earlier run in the output directory
	Stages     []StagePlan `json:"stages"`
	Seconds    float64     `json:"seconds"` // that what is left takes, by the rehearsal
}

// StagePlan is what a stage would do, take and cost. Bytes and times were measured in
// a few updates, which are Rehearsed.
type StagePlan struct {
	Name      string         `json:"name"`
	Learns    map[string]int `json:"learns"` // parameters by part
	Frozen    map[string]int `json:"frozen"`
	Optimizer string         `json:"optimizer"`
	Samples   int            `json:"samples"` // of the data sets
	Updates   int            `json:"updates"`
	Batch     int            `json:"samples_per_update"`
	Epochs    float64        `json:"epochs"`

	Rehearsed int     `json:"rehearsed"`         // updates
	Tokens    float64 `json:"tokens_per_update"` // run, placeholders included
	Labelled  float64 `json:"labelled_per_update"`
	Skipped   float64 `json:"skipped_per_update"` // samples
	Seconds   float64 `json:"seconds_per_update"`

	Memory StageMemory `json:"memory"`
}

// StageMemory is what a stage takes, in bytes. Frozen weights lie in the mapped file if the
// model is opened from one.
type StageMemory struct {
	Weights     int64 `json:"weights_bytes"`
	Gradients   int64 `json:"gradients_bytes"`
	Moments     int64 `json:"moments_bytes"`
	Activations int64 `json:"activations_bytes"` // with their gradients, of the largest batch rehearsed
}

// Total is the sum.
func (m StageMemory) Total() int64 { return m.Weights + m.Gradients + m.Moments + m.Activations }

const (
	rehearsals     = 8               // updates of a stage, at most
	rehearsalTime  = 4 * time.Second // after which no other begins, once two are done
	rehearsalLeast = 2               // the first one finds cold caches, and is not timed
)

// Rehearse runs the first updates of every stage and forgets them: the recipe's output
// directory is only read, and what must be written lies in a temporary one for that
// time. pool may be nil.
func Rehearse(ctx context.Context, r *Recipe, pool *kernel.Pool) (*Plan, error) {
	done, err := updatesDone(r.Output)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	dir, err := os.MkdirTemp("", "fovea-plan-")
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer os.RemoveAll(dir)
	elsewhere := *r
	elsewhere.Output = dir
	t, err := New(&elsewhere, pool)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	p := &Plan{Recipe: r.Name, Model: t.Model.Family.Architecture, Parameters: nn.Count(t.Model.Net, nil), Output: r.Output, Done: done}
	for i := range t.stages {
		s, err := t.rehearse(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("train: stage %s: %w", r.Stages[i].Name, err)
		}
		p.Stages = append(p.Stages, s)
		left := max(0, s.Updates-done)
		done -= s.Updates - left
		p.Seconds += float64(float64(left) * s.Seconds)
	}
	return p, nil
}

// updatesDone is the step of the newest checkpoint in an output directory.
func updatesDone(output string) (int, error) {
	dirs, err := checkpoints(output)
	if err != nil || len(dirs) == 0 {
		return 0, err
	}
	return stepOf(filepath.Base(dirs[len(dirs)-1])), nil
}

// rehearse begins a stage and runs its first updates.
func (t *Trainer) rehearse(ctx context.Context, number int) (StagePlan, error) {
	f := t.stages[number]
	t.state = state{Stage: number}
	t.ctx = tensor.Ctx{Train: true, Pool: t.ctx.Pool}
	if err := t.beginStage(f.stage); err != nil {
		return StagePlan{}, err
	}
	s := StagePlan{
		Name: f.stage.Name, Optimizer: f.stage.Optimizer, Samples: f.total, Updates: f.steps(),
		Batch: f.stage.Batch * f.stage.Accumulate,
	}
	s.Epochs = float64(s.Updates) * float64(s.Batch) / float64(f.total)
	s.Learns, s.Frozen = t.parts()
	if err := t.measure(ctx, f, &s); err != nil {
		return s, err
	}
	s.Memory = t.memory()
	return s, nil
}

// measure runs updates of a stage.
func (t *Trainer) measure(ctx context.Context, f *feeder, s *StagePlan) error {
	most := min(rehearsals, s.Updates)
	if err := f.rewind(cursor{}); err != nil {
		return err
	}
	next, stop := f.prefetch(0, most)
	defer stop()
	began, first := time.Now(), time.Duration(0)
	for s.Rehearsed < most && (s.Rehearsed < rehearsalLeast || time.Since(began) < rehearsalTime) {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := <-next
		if b.err != nil {
			return b.err
		}
		step, err := t.step(f, b)
		if err != nil {
			return err
		}
		s.add(step)
		if s.Rehearsed == 1 {
			first = time.Since(began)
		}
	}
	s.Seconds = first.Seconds()
	if n := s.Rehearsed - 1; n > 0 {
		s.Seconds = (time.Since(began) - first).Seconds() / float64(n)
	}
	if s.Labelled == 0 {
		return errors.New("no sample of the first updates teaches anything: they have no answers, or more than max_tokens")
	}
	return nil
}

// add joins an update to the means.
func (s *StagePlan) add(u Step) {
	s.Rehearsed++
	n := float64(s.Rehearsed)
	s.Tokens += (float64(u.Tokens) - s.Tokens) / n
	s.Labelled += (float64(u.Labelled) - s.Labelled) / n
	s.Skipped += (float64(u.Skipped) - s.Skipped) / n
}

// parts counts what learns and what does not.
func (t *Trainer) parts() (learns, frozen map[string]int) {
	learns, frozen = map[string]int{}, map[string]int{}
	nn.Walk(t.Model.Net, func(name string, w *tensor.Tensor) {
		part := t.partOf(name)
		if w.NeedsGrad() {
			learns[part] += w.Len()
		} else {
			frozen[part] += w.Len()
		}
	})
	return learns, frozen
}

// memory is what the stage takes after some updates.
func (t *Trainer) memory() StageMemory {
	m := StageMemory{Activations: int64(t.ctx.Bytes())}
	nn.Walk(t.Model.Net, func(_ string, w *tensor.Tensor) {
		m.Weights += int64(w.Bytes())
		if w.HasGrad() {
			m.Gradients += 4 * int64(w.Len())
		}
	})
	for _, p := range t.opt.params {
		for _, x := range p.moments {
			m.Moments += 4 * int64(len(x.x))
		}
		if t.average != nil {
			m.Moments += 4 * int64(p.t.Len())
		}
	}
	return m
}
