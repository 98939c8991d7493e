package model

import "slices"

// Pack lays prompts end to end as one prompt of several conversations. Where
// only some have labels the others teach nothing.
func Pack(prompts []*Prompt) *Prompt {
	out := &Prompt{Starts: make([]int, 1, len(prompts)+1)}
	labelled := slices.ContainsFunc(prompts, func(p *Prompt) bool { return p.Labels != nil })
	for _, p := range prompts {
		base := len(out.IDs)
		out.IDs = append(out.IDs, p.IDs...)
		out.Images = append(out.Images, p.Images...)
		for _, at := range p.At {
			out.At = append(out.At, base+at)
		}
		out.Labels = append(out.Labels, p.Labels...)
		for labelled && len(out.Labels) < len(out.IDs) {
			out.Labels = append(out.Labels, -1)
		}
		for i := 1; i < len(p.Starts)-1; i++ { // a packed prompt keeps its conversations apart
			out.Starts = append(out.Starts, base+p.Starts[i])
		}
		out.Starts = append(out.Starts, len(out.IDs))
	}
	return out
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
