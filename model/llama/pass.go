package llama

import (
	"math"
	"sync"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// pass is what the blocks share while Forward runs.
type pass struct {
	angles  ops.Rotary
	grown   ops.Rotary  // of queries in long sequences
	queries *ops.Rotary // one of the two
	attn    ops.Attn
	past    []*ops.KV // backing attn.Past
	starts  [2]int    // backing attn.Starts of a single sequence
	first   []int     // position that follows each sequence's cache
	held    []int     // tokens in it
}

// passes are reused by inference, so that a decode step allocates none. In
// training the tape holds on to them.
var passes = sync.Pool{New: func() any { return new(pass) }}

func (m *Model) begin(c *tensor.Ctx, s *model.Sequence) *pass {
	var p *pass
	if c.Train {
		p = new(pass)
	} else {
		p = passes.Get().(*pass)
	}
	starts := s.Starts
	if starts == nil {
		p.starts = [2]int{0, s.X.Rows()}
		starts = p.starts[:]
	}
	p.attn = ops.Attn{Heads: m.cfg.NumAttentionHeads, KVHeads: m.cfg.NumKeyValueHeads, Causal: true, Starts: starts, Branches: s.Branches}
	p.rotate(c, m, s, starts)
	return p
}

func (p *pass) end(c *tensor.Ctx, s *model.Sequence) {
	if s.Positions != nil {
		for i, k := range s.Past {
			k.SetNext(p.first[i] + int(s.Next(p.attn.Starts[i], p.attn.Starts[i+1])))
		}
	}
	if !c.Train {
		*p = pass{past: p.past[:0], first: p.first[:0], held: p.held[:0]}
		passes.Put(p)
	}
}

// layer points attention at layer i of the sequences' caches.
func (p *pass) layer(i int, s *model.Sequence) {
	if s.Past == nil {
		return
	}
	p.past = p.past[:0]
	for _, k := range s.Past {
		p.past = append(p.past, k.Layer[i])
	}
	p.attn.Past = p.past
}

// rotate fills in the cosines and sines of every row's position: its place in
// its sequence, after what the cache holds.
func (p *pass) rotate(c *tensor.Ctx, m *Model, s *model.Sequence, starts []int) {
	half, rows := m.cfg.HeadDim/2, starts[len(starts)-1]
	p.angles = ops.Rotary{
		Cos: c.Scratch(rows * half), Sin: c.Scratch(rows * half), Dim: m.cfg.HeadDim, HeadDim: m.cfg.HeadDim,
		Interleaved: m.cfg.Interleaved,
	}
	p.queries = &p.angles
	p.first, p.held = p.first[:0], p.held[:0]
	for i := range len(starts) - 1 {
		first, held, n := 0, 0, starts[i+1]-starts[i]
		prompt := n
		if s.Past != nil {
			first, held, prompt = s.Past[i].Next(), s.Past[i].Len(), s.Past[i].PromptOr(n)
		}
		p.first, p.held = append(p.first, first), append(p.held, held)
		if c.Train {
			prompt = 0
		}
		freq := m.frequenciesOf(first+n, prompt)
		at := starts[i] * half
		for row := range n {
			pos := position(s, i, row, starts[i])
			for k, f := range freq {
				sin, cos := math.Sincos(float64(float32(first+int(pos[m.axes[k]])) * f))
				p.angles.Cos[at], p.angles.Sin[at] = float32(cos), float32(sin)
				at++
			}
		}
	}
	if !c.Train {
		p.stretch(m, starts, p.held)
	}
}

// position is that of a row of sequence i, which starts at row start, behind the cache.
func position(s *model.Sequence, i, row, start int) [3]int32 {
	if s.Positions != nil {
		return s.Positions[start+row]
	}
	p := int32(s.Position(i, row))
	return [3]int32{p, p, p}
}
