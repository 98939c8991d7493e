package generate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
)

// Beams say how the likeliest answer is searched for: several beginnings are kept,
// and those that go on best. The rules are those of transformers.
type Beams struct {
	Width         int       // beginnings that are kept; 1 or less: no search
	LengthPenalty float64   // the power of an answer's length that its log probability is divided by; above 0 favours long ones
	Early         EarlyStop // when the search ends
}

// EarlyStop says when a search ends that has found as many answers as it is wide.
type EarlyStop uint8

// When a search ends.
const (
	StopLikely EarlyStop = iota // no beginning is better than the worst answer, were it to end now
	StopFound                   // at once
	StopSurely                  // no beginning can get better than the worst answer
)

func (b Beams) check(s Sampling) error {
	switch {
	case b.Width < 0 || b.Width > maxBeams:
		return fmt.Errorf("beams are %d, want 0 (no search) to %d", b.Width, maxBeams)
	case b.Width > 1 && s.Temperature > 0:
		return errors.New("a search by beams draws nothing: leave out the temperature, or the beams")
	case math.IsNaN(b.LengthPenalty) || math.IsInf(b.LengthPenalty, 0):
		return fmt.Errorf("length penalty is %v", b.LengthPenalty)
	}
	return nil
}

const maxBeams = 64

// beam is a beginning of an answer.
type beam struct {
	ids   []int32
	score float32 // log probability
	from  int     // which of the beams before it goes on
}

// search is a search under way.
type search struct {
	s      *Session
	o      Options
	prompt []int32
	beams  []beam
	caches []*model.KVCache // of each beam
	spare  []*model.KVCache
	found  []beam // answers, scored by length; the best last
	most   int    // tokens of an answer
}

// search returns the likeliest answer behind what the session has seen, whose next
// logits are given. The session is as before afterwards.
func (s *Session) search(ctx context.Context, logits []float32, o Options) ([]int32, error) {
	b := &search{s: s, o: o, prompt: s.ids, most: s.Room() + 1, beams: []beam{{}}, caches: []*model.KVCache{s.cache}}
	if o.MaxTokens > 0 {
		b.most = min(b.most, o.MaxTokens)
	}
	defer s.cache.Truncate(len(s.ids))
	for n := 1; !b.choose(logits, n); n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		logits = b.step()
	}
	if len(b.found) == 0 {
		return nil, errors.New("generate: the search by beams has found no answer: no logit is a number")
	}
	return b.found[len(b.found)-1].ids, nil
}

// choose lets the best continuations by a token, number n of the answer, take the
// place of the beams. Those that end, as all do with the last token that there may be,
// are answers. It reports whether the search is over.
func (b *search) choose(logits []float32, n int) (done bool) {
	all := b.candidates(logits)
	var next []beam
	for rank, c := range all {
		ends := n == b.most || slices.Contains(b.o.EOS, c.ids[n-1])
		switch {
		case ends && rank < b.o.Beams.Width:
			b.add(c, n)
		case !ends && len(next) < b.o.Beams.Width:
			next = append(next, c)
		}
	}
	b.beams = next
	return len(next) == 0 || len(b.found) == b.o.Beams.Width && b.over(next[0].score, n)
}

// candidates are the likeliest continuations of all beams, more than are kept.
func (b *search) candidates(logits []float32) []beam {
	vocab := len(logits) / len(b.beams)
	keep := max(2, 1+len(b.o.EOS)) * b.o.Beams.Width
	var all []beam
	for i, x := range b.beams {
		row := logits[i*vocab : (i+1)*vocab]
		b.likelihoods(row, x.ids)
		for _, id := range likeliest(row, keep) {
			all = append(all, beam{ids: []int32{id}, score: x.score + row[id], from: i})
		}
	}
	slices.SortStableFunc(all, func(a, b beam) int { return cmp.Compare(b.score, a.score) })
	all = all[:min(keep, len(all))]
	for i := range all {
		all[i].ids = append(slices.Clone(b.beams[all[i].from].ids), all[i].ids[0])
	}
	return all
}

// likelihoods turns logits into log probabilities, less for tokens that occurred.
func (b *search) likelihoods(row []float32, ids []int32) {
	sum := kernel.LogSumExp(row)
	for i := range row {
		row[i] -= sum
	}
	if s := (Sampling{RepetitionPenalty: b.o.RepetitionPenalty}); s.penalised() {
		NewSampler(s, slices.Concat(b.prompt, ids)).penalise(row)
	}
}

// likeliest are the ids of the n largest elements that are numbers, the lower one among equals.
func likeliest(row []float32, n int) []int32 {
	items := make([]candidate, 0, len(row))
	for id, v := range row {
		if v > float32(math.Inf(-1)) {
			items = append(items, candidate{int32(id), float64(v)})
		}
	}
	if n < len(items) {
		topK(items, n)
		items = items[:n]
	}
	slices.SortFunc(items, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.id, b.id)) })
	ids := make([]int32, len(items))
	for i, c := range items {
		ids[i] = c.id
	}
	return ids
}

// add keeps an answer of n tokens if it is among the best.
func (b *search) add(c beam, n int) {
	c.score = b.scored(c.score, n)
	if len(b.found) == b.o.Beams.Width {
		if c.score <= b.found[0].score {
			return
		}
		b.found = b.found[1:]
	}
	b.found = append(b.found, c)
	slices.SortStableFunc(b.found, func(a, b beam) int { return cmp.Compare(a.score, b.score) })
}

// scored is a log probability by the length of the answer.
func (b *search) scored(sum float32, n int) float32 {
	return float32(float64(sum) / math.Pow(float64(n), b.o.Beams.LengthPenalty))
}

// over decides whether a search that has found enough goes on; best is the log
// probability of the best beam, which has n tokens.
func (b *search) over(best float32, n int) bool {
	switch b.o.Beams.Early {
	case StopFound:
		return true
	case StopSurely:
		if b.o.Beams.LengthPenalty > 0 {
			n = b.most
		}
	}
	return b.found[0].score >= b.scored(best, n)
}

// step runs the last token of every beam, all at once, and returns the logits.
func (b *search) step() []float32 {
	b.fork()
	s, d := b.s, b.s.vlm.Decoder()
	last, starts := make([]int32, len(b.beams)), []int{0}
	for i, x := range b.beams {
		last[i], starts = x.ids[len(x.ids)-1], append(starts, i+1)
	}
	before := s.ctx.Pool.Step()
	defer s.ctx.Pool.Prompt(before)
	s.ctx.Reset()
	seq := &model.Sequence{X: d.Embed(&s.ctx, last), Starts: starts, Past: b.caches}
	return d.Logits(&s.ctx, d.Forward(&s.ctx, seq)).F32
}

// fork gives every beam the cache of the one that it goes on from, or a copy.
func (b *search) fork() {
	before, taken := b.caches, make([]bool, len(b.caches))
	b.caches = make([]*model.KVCache, len(b.beams))
	for i, x := range b.beams {
		if !taken[x.from] {
			b.caches[i], taken[x.from] = before[x.from], true
		}
	}
	for i, k := range before {
		if !taken[i] {
			b.spare = append(b.spare, k)
		}
	}
	for i, x := range b.beams {
		if b.caches[i] != nil {
			continue
		}
		if n := len(b.spare); n > 0 {
			b.caches[i], b.spare = b.spare[n-1], b.spare[:n-1]
			b.caches[i].Follow(before[x.from], len(b.prompt))
		} else {
			b.caches[i] = b.s.vlm.Decoder().NewCache(len(b.prompt) + b.most)
			b.caches[i].Cross = before[x.from].Cross
			b.caches[i].Follow(before[x.from], 0)
		}
	}
}
