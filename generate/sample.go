package generate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sampling says how the next token is chosen from logits. The zero value is
// greedy: the largest logit, the lowest id among equals.
type Sampling struct {
	Temperature       float64 `json:"temperature"`        // 0 is greedy
	TopK              int     `json:"top_k"`              // keep the k most likely; 0 keeps all
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
		return fmt.Errorf("repetition penalty is %v, want 1 (none) or more", s.RepetitionPenalty)
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

type candidate struct {
	id int32
	p  float64 // logit, then probability
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

func (m *Sampler) penalised() bool { return m.RepetitionPenalty != 0 && m.RepetitionPenalty != 1 }

// Next chooses a token. Filters apply in the reference's order: repetition
// penalty, temperature, top-k, top-p, min-p. The logits may be changed.
func (m *Sampler) Next(logits []float32) int32 {
	m.penalise(logits)
	id := argmax(logits)
	if m.Temperature > 0 {
		id = m.draw(logits)
	}
	if m.seen != nil {
		m.seen[id] = true
	}
	return id
}

func (m *Sampler) penalise(logits []float32) {
	for id := range m.seen {
		if int(id) >= len(logits) {
			continue
		}
		if l := &logits[id]; *l > 0 {
			*l /= float32(m.RepetitionPenalty)
		} else {
			*l *= float32(m.RepetitionPenalty)
		}
	}
}

func (m *Sampler) draw(logits []float32) int32 {
	m.items = m.items[:0]
	for id, l := range logits {
		m.items = append(m.items, candidate{int32(id), float64(l) / m.Temperature})
	}
	slices.SortFunc(m.items, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.id, b.id))
	})
	if m.TopK > 0 {
		m.items = m.items[:min(m.TopK, len(m.items))]
	}
	m.softmax()
	m.nucleus()
	x, sum := m.rng.Float64(), 0.0
	for _, c := range m.items {
		sum += c.p
	}
	x *= sum
	for _, c := range m.items {
		if x -= c.p; x < 0 {
			return c.id
		}
	}
	return m.items[len(m.items)-1].id
}

// softmax turns the sorted logits into probabilities.
func (m *Sampler) softmax() {
	top, sum := m.items[0].p, 0.0
	for i := range m.items {
		m.items[i].p = math.Exp(m.items[i].p - top)
		sum += m.items[i].p
	}
	for i := range m.items {
		m.items[i].p /= sum
	}
}

// nucleus applies top-p, then min-p to what is left. The most likely token always stays.
func (m *Sampler) nucleus() {
	if m.TopP > 0 && m.TopP < 1 {
		sum := 0.0
		for i, c := range m.items {
			if sum += c.p; sum >= m.TopP {
				m.items = m.items[:i+1]
				break
			}
		}
	}
	least := m.MinP * m.items[0].p
	for len(m.items) > 1 && m.items[len(m.items)-1].p < least {
		m.items = m.items[:len(m.items)-1]
	}
}

// argmax returns the lowest id among the largest logits.
func argmax(logits []float32) int32 {
	best := 0
	for i, l := range logits {
		if l > logits[best] {
			best = i
		}
	}
	return int32(best)
}
