package llama

import "math"

// Long is how the first Qwen reads sequences that are longer than those of its
// training, without having learned to; in training, nothing changes.
//
// Qwen Technical Report, Bai et al. 2023, https://arxiv.org/abs/2309.16609.
type Long struct {
	Trained int  // tokens of a sequence in training
	NTK     bool // the rotary base grows with the length of the prompt
	LogN    bool // queries grow with the logarithm of their position
}

// alpha is what the base grows by, for a prompt of length tokens: 1, 3, 7 and so
// on as the length passes once, twice, four times what was trained. The steps that
// follow a prompt keep its base.
func (l *Long) alpha(length int) float64 {
	if !l.NTK || length <= l.Trained {
		return 1
	}
	times := math.Log(float64(length)/float64(l.Trained))/math.Log(2) + 1
	return max(math.Exp2(math.Ceil(times))-1, 1)
}

// grows is the factor of a query at a place, counted from 0.
func (l *Long) grows(place int) float32 {
	if !l.LogN || place < l.Trained {
		return 1
	}
	return float32(math.Log(float64(place+1)) / math.Log(float64(l.Trained)))
}

// Alike reports whether prompts of both lengths leave the same keys behind for
// the tokens that they have in common.
func (m *Model) Alike(a, b int) bool { return m.cfg.Long.alpha(a) == m.cfg.Long.alpha(b) }

// frequenciesOf are those of a sequence of length tokens, of which a prompt was read
// at first.
func (m *Model) frequenciesOf(length, prompt int) []float32 {
	dynamic := m.cfg.RopeScaling.kind() == "dynamic" && length > m.cfg.MaxPositionEmbeddings
	if !dynamic && m.cfg.Long.alpha(prompt) == 1 {
		return m.freq
	}
	if !dynamic {
		length = prompt
	}
	return m.cfg.frequencies(length)
}

// stretch makes the queries' angles longer where they are to grow. first are the
// places of the sequences' first rows.
func (p *pass) stretch(m *Model, starts, first []int) {
	last := 0
	for i, at := range first {
		last = max(last, at+starts[i+1]-starts[i])
	}
	if m.cfg.Long.grows(last) == 1 {
		return
	}
	half := len(p.angles.Cos) / max(1, starts[len(starts)-1])
	p.grown = p.angles
	p.grown.Cos, p.grown.Sin = make([]float32, len(p.angles.Cos)), make([]float32, len(p.angles.Sin))
	for i, at := range first {
		for row := starts[i]; row < starts[i+1]; row++ {
			by := m.cfg.Long.grows(at + row - starts[i])
			for k := row * half; k < (row+1)*half; k++ {
				p.grown.Cos[k], p.grown.Sin[k] = by*p.angles.Cos[k], by*p.angles.Sin[k]
			}
		}
	}
	p.queries = &p.grown
}
