package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sampling says how the next token is chosen from logits. The zero value is
// greedy: the largest logit, the lowest id among equals.
type Sampling struct {
	Temperature       float64 `json:"temperature"`        // 0 is greedy
	TopK              int     `json:"top_k"`              // keep the k most likely, the lower id among equals; 0 keeps all
	TopP              float64 `json:"top_p"`              // keep the most likely that reach this probability together; 0 or 1 keeps all
	MinP              float64 `json:"min_p"`              // drop what is less likely than this share of the most likely
	RepetitionPenalty float64 `json:"repetition_penalty"` // divide the logits of tokens seen before; 0 or 1 changes nothing
	Seed              uint64  `json:"seed"`
}

// Check tells the first setting that makes no sense.
func (s Sampling) Check() error {
	switch {
	case s.Temperature < 0 || math.IsNaN(s.Temperature) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature is %v, want 0 (greedy) or more", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top-k is %d, want 0 (all) or more", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return fmt.Errorf("top-p is %v, want 0 to 1", s.TopP)
	case !(s.MinP >= 0 && s.MinP <= 1):
		return fmt.Errorf("min-p is %v, want 0 to 1", s.MinP)
	case s.RepetitionPenalty < 0 || math.IsNaN(s.RepetitionPenalty) || math.IsInf(s.RepetitionPenalty, 0):
		return fmt.Errorf("repetition penalty is %v, want more than 0 (1 is none)", s.RepetitionPenalty)
	}
	return nil
}

// A Sampler chooses tokens. It keeps its buffers, so that a step allocates nothing.
type Sampler struct {
	Sampling
	rng   *rand.Rand
	items []candidate
	seen  map[int32]bool
}

// NewSampler starts at the seed's first number. The prompt's tokens count as
// seen for the repetition penalty, as in the reference.
func NewSampler(s Sampling, prompt []int32) *Sampler {
	m := &Sampler{Sampling: s, rng: rand.New(rand.NewPCG(s.Seed, 0x5eed))}
	if m.penalised() {
		m.seen = make(map[int32]bool)
		for _, id := range prompt {
			m.seen[id] = true
		}
	}
	return m
}

func (s Sampling) penalised() bool { return s.RepetitionPenalty != 0 && s.RepetitionPenalty != 1 }

// Next chooses a token. Filters apply in the reference's order: repetition
// penalty, temperature, top-k, top-p, min-p. A logit that is NaN is never
// chosen; where no logit is above -Inf, token 0 is. The logits may be changed.
func (m *Sampler) Next(logits []float32) int32 {
	m.penalise(logits)
	id := argmax(logits)
	if m.Temperature > 0 {
		id = m.draw(logits, id)
	}
	if m.seen != nil {
		m.seen[id] = true
	}
	return id
}

func (m *Sampler) penalise(logits []float32) {
	for id := range m.seen {
		if id < 0 || int(id) >= len(logits) {
			continue
		}
		if l := &logits[id]; *l > 0 {
			*l /= float32(m.RepetitionPenalty)
		} else {
			*l *= float32(m.RepetitionPenalty)
		}
	}
}

// draw chooses among the tokens that pass the filters; best is the most likely.
func (m *Sampler) draw(logits []float32, best int32) int32 {
	m.filter(logits, best)
	sum := 0.0
	for _, c := range m.items {
		sum += c.p
	}
	x := m.rng.Float64() * sum
	for _, c := range m.items {
		if x -= c.p; x < 0 {
			return c.id
		}
	}
	return best
}

// filter leaves the tokens that may be drawn in m.items, with weights in
// proportion to their probabilities: the most likely one weighs 1.
func (m *Sampler) filter(logits []float32, best int32) {
	m.items = m.items[:0]
	top := finite(logits[best])
	for id, l := range logits {
		if l > float32(math.Inf(-1)) { // false for NaN too
			m.items = append(m.items, candidate{int32(id), (finite(l) - top) / m.Temperature})
		}
	}
	if m.TopK > 0 && m.TopK < len(m.items) {
		topK(m.items, m.TopK)
		m.items = m.items[:m.TopK]
	}
	for i := range m.items {
		m.items[i].p = math.Exp(m.items[i].p)
	}
	if m.TopP > 0 && m.TopP < 1 {
		m.items = nucleus(m.items, m.TopP)
	}
	if m.MinP > 0 {
		m.items = slices.DeleteFunc(m.items, func(c candidate) bool { return c.p < m.MinP })
	}
}

// finite keeps an infinite logit from making differences that are no numbers.
func finite(l float32) float64 { return min(float64(l), math.MaxFloat32) }

// argmax returns the lowest id among the largest logits, 0 where none is above -Inf.
func argmax(logits []float32) int32 {
	best, most := 0, float32(math.Inf(-1))
	for i, l := range logits {
		if l > most {
			best, most = i, l
		}
	}
	return int32(best)
}
