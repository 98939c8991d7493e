package model

import (
	"slices"

	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Pictured is a model whose pictures become rows among those of its tokens.
type Pictured interface {
	VLM
	Tokens(*Tiles) int                                      // placeholders of a picture
	Features(c *tensor.Ctx, images []*Tiles) *tensor.Tensor // the rows of all pictures
}

// EmbedAmong looks up the tokens of a prompt and puts the features of its pictures
// over their placeholders.
func EmbedAmong(c *tensor.Ctx, m Pictured, p *Prompt) *Sequence {
	ids, rows := p.Splice(m.Tokens)
	s := &Sequence{X: m.Decoder().Embed(c, ids), Starts: p.Starts, Branches: p.Branches}
	if len(p.Images) > 0 {
		s.X = ops.Gather(c, rows, s.X, m.Features(c, p.Images))
	}
	return s
}

// Splice says how the features of a prompt's pictures come among its tokens: the
// ids with 0 for the placeholders, which may lie outside of the embedding table,
// and for every token the row of it, counted on from the ids' embeddings to the
// features. tokens is how many a picture has.
func (p *Prompt) Splice(tokens func(*Tiles) int) (ids, rows []int32) {
	ids, rows = slices.Clone(p.IDs), make([]int32, len(p.IDs))
	for i := range rows {
		rows[i] = int32(i)
	}
	next := int32(len(rows))
	for i, at := range p.At {
		for j := range tokens(p.Images[i]) {
			ids[at+j], rows[at+j] = 0, next
			next++
		}
	}
	return ids, rows
}

// ViewsOf are the views of all pictures, to be read only.
func ViewsOf(images []*Tiles) *Views {
	if len(images) == 1 {
		return &images[0].Views
	}
	all := new(Views)
	for _, t := range images {
		all.Append(&t.Views)
	}
	return all
}
