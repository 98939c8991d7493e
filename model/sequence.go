package model

import "github.com/fovea-ml/fovea/tensor"

// Sequence is the input of Decoder.Forward: packed sequences, no padding.
type Sequence struct {
	X      *tensor.Tensor // [tokens, width] embeddings
	Starts []int          // first row of each sequence, and the number of rows; nil means one

	// Branches cut each sequence into branches that go on from its trunk, the rows
	// before the first, and do not see each other: the first row of each, counted
	// from the start of the sequence. Nil means none; only in training.
	Branches [][]int

	// Positions are the rows' places in time, height and width where the decoder
	// tells these apart (M-RoPE), counted from the position that follows what the
	// sequence's cache holds. Nil: one row after another.
	Positions [][3]int32

	// Deep are rows to be added to the output of the first layers, one tensor [tokens,
	// width] for each: what the picture encoder's deeper layers saw (DeepStack, Meng et
	// al. 2024, https://arxiv.org/abs/2406.04334). Rows of text are zero.
	Deep []*tensor.Tensor

	Past []*KVCache // of each sequence; nil when there is none, as in training

	// Memory [rows, width] is what an encoder made, for a decoder with
	// cross-attention, and MemoryStarts the first row of it that belongs to each
	// sequence, and the number of rows; nil means one sequence. A sequence without
	// rows has those that its cache holds. Nil: all have.
	Memory       *tensor.Tensor
	MemoryStarts []int
}

// Position is the place of a row of sequence i, counted from its start, among
// the rows that it sees: a branch goes on where the trunk ends.
func (s *Sequence) Position(i, row int) int {
	at := row
	if s.Branches != nil {
		for _, first := range s.Branches[i] {
			if first <= row {
				at = s.Branches[i][0] + row - first
			}
		}
	}
	return at
}

// Next is the position behind the rows [lo, hi): one more than the largest.
func (s *Sequence) Next(lo, hi int) int32 {
	next := int32(0)
	for _, p := range s.Positions[lo:hi] {
		next = max(next, p[0]+1, p[1]+1, p[2]+1)
	}
	return next
}

// Cut is rows [lo, hi) of a single sequence, to be run when those before are in
// the cache, and with them the memory.
func (s *Sequence) Cut(lo, hi int) Sequence {
	width := s.X.Cols()
	out := Sequence{X: tensor.From(s.X.F32[lo*width:hi*width], hi-lo, width)}
	if lo == 0 {
		out.Memory, out.MemoryStarts = s.Memory, s.MemoryStarts
	}
	for _, d := range s.Deep {
		out.Deep = append(out.Deep, tensor.From(d.F32[lo*width:hi*width], hi-lo, width))
	}
	if s.Positions == nil {
		return out
	}
	before := s.Next(0, lo)
	for _, p := range s.Positions[lo:hi] {
		out.Positions = append(out.Positions, [3]int32{p[0] - before, p[1] - before, p[2] - before})
	}
	return out
}
