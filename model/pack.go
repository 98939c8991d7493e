package model

// Pack lays prompts end to end as one prompt of several conversations.
func Pack(prompts []*Prompt) *Prompt {
	out := &Prompt{Starts: make([]int, 1, len(prompts)+1)}
	for _, p := range prompts {
		base := len(out.IDs)
		out.IDs = append(out.IDs, p.IDs...)
		out.Labels = append(out.Labels, p.Labels...)
		out.Images = append(out.Images, p.Images...)
		for _, at := range p.At {
			out.At = append(out.At, base+at)
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
