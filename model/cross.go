package model

import (
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Attending is what the layers of a decoder need to know of the sequences that
// run: who attends to whom, and what has been seen before.
type Attending struct {
	Self   ops.Attn       // of the rows to each other
	Cross  ops.Attn       // of the rows to what an encoder made
	Memory *tensor.Tensor // that a layer makes keys and values of for Cross; without rows where they are in the caches

	s           *Sequence
	self, cross []*ops.KV // backing Past
}

// Attend prepares the pass of a causal decoder through its layers; width is that
// of the memory it reads, 0 for decoders alone. Caches of sequences that bring a
// memory forget the one they had.
func (s *Sequence) Attend(heads, kvHeads, width int) *Attending {
	starts := s.bounds()
	a := &Attending{
		Self:  ops.Attn{Heads: heads, KVHeads: kvHeads, Causal: true, Starts: starts, Branches: s.Branches},
		Cross: ops.Attn{Heads: heads, KVHeads: kvHeads, Starts: starts, KStarts: s.MemoryStarts},
		s:     s, Memory: s.Memory,
	}
	if s.Memory == nil {
		a.Memory = tensor.New(0, width)
		a.Cross.KStarts = make([]int, len(starts))
	} else if s.MemoryStarts == nil {
		a.Cross.KStarts = []int{0, s.Memory.Rows()}
	}
	for i, k := range s.Past {
		if rows := a.Cross.KStarts[i+1] - a.Cross.KStarts[i]; rows > 0 {
			k.forgetMemory(rows)
		}
	}
	return a
}

// Layer points both at layer i of the caches. It is called before the layer runs.
func (a *Attending) Layer(i int) {
	if a.s.Past == nil {
		return
	}
	a.self, a.cross = a.self[:0], a.cross[:0]
	for _, k := range a.s.Past {
		a.self = append(a.self, k.Layer[i])
		if k.Cross != nil {
			a.cross = append(a.cross, k.Cross[i])
		}
	}
	a.Self.Past, a.Cross.Past = a.self, a.cross
}

// Places are the positions of all rows, each counted from the start of its
// sequence and what its cache holds.
func (s *Sequence) Places() []int32 {
	starts := s.bounds()
	out := make([]int32, s.X.Rows())
	for i := range len(starts) - 1 {
		first := 0
		if s.Past != nil {
			first = s.Past[i].Next()
		}
		for row := range starts[i+1] - starts[i] {
			out[starts[i]+row] = int32(first + s.Position(i, row))
		}
	}
	return out
}

// bounds are Starts, of a single sequence too.
func (s *Sequence) bounds() []int {
	if s.Starts == nil {
		return []int{0, s.X.Rows()}
	}
	return s.Starts
}

// Block runs a block of a model whose output has the shape of its input; recompute
// says that training keeps only the input.
func Block(c *tensor.Ctx, recompute bool, x *tensor.Tensor, f func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor) *tensor.Tensor {
	if recompute {
		return c.Recompute(x, f)
	}
	return c.Block(x, f)
}
