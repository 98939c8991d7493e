package train

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/model"
)

// batch is what one optimizer step learns from.
type batch struct {
	parts       []*model.Prompt // packed, one for each accumulation
	pairs       []*model.Pairs  // in the place of parts where a stage learns which belong together
	preferences []*preference   // in the place of parts where a stage learns which answer is better
	labelled    int             // tokens taught in all parts
	tokens      int             // tokens run in all parts, placeholders included
	skipped     int             // samples without a labelled token or too long
	broken      []error         // why samples could not be read
	err         error
	cursor      cursor // behind the batch
}

// cursor is what has been taken of a stream.
type cursor struct {
	Next    int   `json:"next"`              // place of the next sample
	Waiting []int `json:"waiting,omitempty"` // places of samples that wait to be packed
}

// feeder makes a stage's batches.
type feeder struct {
	*stream
	packer *packer // nil: each batch has as many samples
}

func newFeeder(s *stream) *feeder {
	f := &feeder{stream: s}
	if s.stage.Pack != nil {
		f.packer = &packer{Pack: *s.stage.Pack, stream: s}
	}
	return f
}

// stepsOfEpoch is the number of optimizer steps of a pass over the data.
func (f *feeder) stepsOfEpoch() float64 {
	return float64(f.total) / float64(f.stage.Batch*f.stage.Accumulate)
}

// steps is the number of optimizer steps of the stage.
func (f *feeder) steps() int {
	if f.stage.Steps > 0 {
		return f.stage.Steps
	}
	return max(1, int(f.stage.Epochs*f.stepsOfEpoch()))
}

// rewind makes next go on behind a cursor.
func (f *feeder) rewind(c cursor) error {
	if f.packer != nil {
		return f.packer.rewind(c)
	}
	return nil
}

// batch makes the samples of a step, counted from 0. Steps that are packed are
// asked for in order.
func (f *feeder) batch(step int) *batch {
	switch f.stage.Loss {
	case "pairs":
		return f.pairs(step)
	case "preferences":
		return f.preferences(step)
	}
	b := &batch{}
	for a := range f.stage.Accumulate {
		var prompts []*model.Prompt
		if f.packer != nil {
			prompts = f.packer.next(b)
		} else {
			prompts = f.samples((step*f.stage.Accumulate+a)*f.stage.Batch, b)
		}
		if b.err != nil {
			return b
		}
		if len(prompts) > 0 {
			b.parts = append(b.parts, model.Pack(prompts))
		}
	}
	b.cursor = cursor{Next: (step + 1) * f.stage.Accumulate * f.stage.Batch}
	if f.packer != nil {
		b.cursor = f.packer.cursor()
	}
	b.wantSome(step)
	return b
}

// wantSome makes a batch of which no sample can be read an error.
func (b *batch) wantSome(step int) {
	if len(b.parts)+len(b.pairs)+len(b.preferences) == 0 && len(b.broken) > 0 {
		b.err = fmt.Errorf("no sample of step %d can be read: %w", step+1, errors.Join(b.broken...))
	}
}

// samples are those of a batch that begins at a place.
func (f *feeder) samples(place int, b *batch) (prompts []*model.Prompt) {
	for i := range f.stage.Batch {
		if p := f.sample(place+i, b); p != nil {
			prompts = append(prompts, p)
			b.count(p)
		}
	}
	return prompts
}

// count adds what a prompt of the batch teaches.
func (b *batch) count(p *model.Prompt) {
	b.labelled += p.Labelled()
	b.tokens += len(p.IDs) + len(p.DecoderIDs)
}

// sample is the one at a place, or nil, and the batch tells why.
func (s *stream) sample(place int, b *batch) *model.Prompt {
	p, err := s.prompt(place)
	switch {
	case err != nil && s.recipe.Strict:
		b.err = err
	case err != nil:
		b.broken = append(b.broken, err)
	case p.Labelled() == 0 || p.Longest() > s.most:
		b.skipped++
	default:
		return p
	}
	return nil
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
