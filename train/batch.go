package train

import (
	"math/rand/v2"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/model"
)

// batch is what one optimizer step learns from.
type batch struct {
	parts    []*model.Prompt // packed, one for each accumulation
	labelled int             // tokens taught in all parts
	tokens   int             // tokens run in all parts, placeholders included
	skipped  int             // samples without a labelled token or too long
	err      error
}

// feeder makes a stage's batches. Which samples a step gets depends on the
// seed, the stage and the step alone, so that a resumed run sees the same.
type feeder struct {
	recipe *Recipe
	number int // of the stage
	stage  *Stage
	proc   model.Processor
	sets   []*source
	total  int // samples of all sets
	most   int // tokens of a sample
}

func newFeeder(r *Recipe, number int, sets []*source, proc model.Processor, context int) *feeder {
	f := &feeder{recipe: r, number: number, stage: &r.Stages[number], proc: proc, sets: sets, most: context}
	if n := f.stage.MaxTokens; n > 0 {
		f.most = min(n, context)
	}
	for _, s := range sets {
		f.total += s.Len()
	}
	return f
}

// steps is the number of optimizer steps of the stage.
func (f *feeder) steps() int {
	if f.stage.Steps > 0 {
		return f.stage.Steps
	}
	per := float64(f.stage.Batch * f.stage.Accumulate)
	return max(1, int(f.stage.Epochs*float64(f.total)/per))
}

// batch makes the samples of a step, counted from 0.
func (f *feeder) batch(step int) *batch {
	b := &batch{}
	for a := range f.stage.Accumulate {
		var prompts []*model.Prompt
		for i := range f.stage.Batch {
			at := (step*f.stage.Accumulate+a)*f.stage.Batch + i
			p, err := f.prompt(at)
			if err != nil {
				b.err = err
				return b
			}
			n := p.Labelled()
			if n == 0 || p.Longest() > f.most {
				b.skipped++
				continue
			}
			b.labelled += n
			b.tokens += len(p.IDs) + len(p.DecoderIDs)
			prompts = append(prompts, p)
		}
		if len(prompts) > 0 {
			b.parts = append(b.parts, model.Pack(prompts))
		}
	}
	return b
}

// prompt makes the sample that stands at a place of the stage's endless stream.
func (f *feeder) prompt(at int) (*model.Prompt, error) {
	epoch := at / f.total
	i := data.Shuffled(f.recipe.Seed+uint64(f.number)<<32, epoch, f.total, at%f.total)
	rng := rand.New(rand.NewPCG(f.recipe.Seed^uint64(f.number)<<56, uint64(at)))
	for _, s := range f.sets {
		if i < s.Len() {
			conv, err := s.conversation(i, rng)
			if err != nil || conv == nil {
				return &model.Prompt{}, err
			}
			if s.Apart {
				return f.proc.LearnApart(conv)
			}
			return f.proc.Learn(conv)
		}
		i -= s.Len()
	}
	panic("train: sample index out of range")
}

// prefetch makes the batches from a step on in a goroutine, one ahead of their
// use. stop ends the goroutine and waits for it; call it in any case.
func (f *feeder) prefetch(from, to int) (next <-chan *batch, stop func()) {
	out, quit := make(chan *batch, 1), make(chan struct{})
	go func() {
		defer close(out)
		for step := from; step < to; step++ {
			select {
			case out <- f.batch(step):
			case <-quit:
				return
			}
		}
	}()
	return out, func() {
		close(quit)
		for range out { // until it is closed
		}
	}
}
