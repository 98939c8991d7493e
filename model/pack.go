package model

import (
	"fmt"
	"slices"
)

// Pack lays prompts end to end as one prompt of several conversations. Where
// only some have labels the others teach nothing, and where only some have weights
// those of the others are 1.
func Pack(prompts []*Prompt) *Prompt {
	out := &Prompt{Starts: make([]int, 1, len(prompts)+1)}
	decoded := slices.ContainsFunc(prompts, func(p *Prompt) bool { return p.DecoderIDs != nil })
	branched := slices.ContainsFunc(prompts, func(p *Prompt) bool { return p.Branches != nil })
	labelled := slices.ContainsFunc(prompts, func(p *Prompt) bool { return p.Labels != nil })
	weighted := weighted(prompts)
	for _, p := range prompts {
		base := len(out.IDs)
		out.IDs = append(out.IDs, p.IDs...)
		out.Images = append(out.Images, p.Images...)
		for _, at := range p.At {
			out.At = append(out.At, base+at)
		}
		out.Labels = append(out.Labels, p.Labels...)
		if weighted {
			out.Weights = p.addWeights(out.Weights, 0)
		}
		if decoded {
			out.DecoderStarts = follow(out.DecoderStarts, len(out.DecoderIDs), p.DecoderStarts)
			out.DecoderIDs = append(out.DecoderIDs, p.Reads()...)
			out.DecoderStarts = append(out.DecoderStarts, len(out.DecoderIDs))
		}
		for labelled && len(out.Labels) < len(out.Reads()) {
			out.Labels = append(out.Labels, -1)
		}
		for weighted && len(out.Weights) < len(out.Labels) {
			out.Weights = append(out.Weights, 0)
		}
		out.Starts = append(follow(out.Starts, base, p.Starts), len(out.IDs))
		if branched {
			out.Branches = append(out.Branches, p.Branches...)
			out.Branches = append(out.Branches, make([][]int, len(out.Starts)-1-len(out.Branches))...)
		}
	}
	return out
}

// follow adds the bounds within a prompt that begins at base: a packed prompt
// keeps its conversations apart.
func follow(starts []int, base int, within []int) []int {
	if starts == nil {
		starts = []int{0}
	}
	for i := 1; i < len(within)-1; i++ {
		starts = append(starts, base+within[i])
	}
	return starts
}

// Longest is the number of tokens that the decoder reads of the longest packed conversation.
func (p *Prompt) Longest() int {
	starts := p.Starts
	if p.DecoderIDs != nil {
		starts = p.DecoderStarts
	}
	if starts == nil {
		return len(p.Reads())
	}
	most := 0
	for i := range len(starts) - 1 {
		most = max(most, starts[i+1]-starts[i])
	}
	return most
}

// Labelled is the number of tokens that the prompt teaches.
func (p *Prompt) Labelled() int {
	n := 0
	for _, l := range p.Labels {
		if l >= 0 {
			n++
		}
	}
	return n
}

// Branch makes one conversation of several that begin with the same tokens and
// pictures: what they share is the trunk, and the rest of each a branch. The
// pictures, which must be in the trunk, are then encoded and read only once. It
// is an error if they do not begin alike, or have no labels.
func Branch(prompts []*Prompt) (*Prompt, error) {
	first := prompts[0]
	trunk := len(first.Labels)
	for _, p := range prompts[1:] {
		trunk = min(trunk, shared(first, p))
	}
	out := &Prompt{IDs: slices.Clone(first.IDs[:trunk]), Labels: slices.Clone(first.Labels[:trunk]), Images: first.Images, At: first.At}
	branches := make([]int, len(prompts))
	for i, p := range prompts {
		if len(p.Labels) != len(p.IDs) || p.Starts != nil || p.Branches != nil || p.Remembers() {
			return nil, fmt.Errorf("model: conversation %d of %d to branch has no labels, is a pack, or is one for an encoder too", i+1, len(prompts))
		}
		if n := len(p.At); trunk == 0 || n != len(out.At) || n > 0 && p.At[n-1] >= trunk {
			return nil, fmt.Errorf("model: conversation %d of %d does not begin with the pictures of the others", i+1, len(prompts))
		}
		branches[i] = len(out.IDs)
		out.IDs = append(out.IDs, p.IDs[trunk:]...)
		out.Labels = append(out.Labels, p.Labels[trunk:]...)
	}
	if weighted(prompts) {
		out.Weights = first.addWeights(nil, 0)[:trunk]
		for _, p := range prompts {
			out.Weights = p.addWeights(out.Weights, trunk)
		}
	}
	out.Branches = [][]int{branches}
	return out, nil
}

// shared is the number of tokens with the same labels, of the same weights, that two
// prompts begin with.
func shared(a, b *Prompt) int {
	n := 0
	for n < min(len(a.Labels), len(b.Labels)) && a.IDs[n] == b.IDs[n] && a.Labels[n] == b.Labels[n] && a.weight(n) == b.weight(n) {
		n++
	}
	return n
}

func weighted(prompts []*Prompt) bool {
	return slices.ContainsFunc(prompts, func(p *Prompt) bool { return p.Weights != nil })
}

// weight is that of label i; of one that teaches nothing, 0.
func (p *Prompt) weight(i int) float32 {
	switch {
	case p.Labels[i] < 0:
		return 0
	case p.Weights == nil:
		return 1
	}
	return p.Weights[i]
}

// addWeights adds those of the labels from one on.
func (p *Prompt) addWeights(to []float32, from int) []float32 {
	for i := from; i < len(p.Labels); i++ {
		to = append(to, p.weight(i))
	}
	return to
}
