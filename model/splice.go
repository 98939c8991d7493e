package model

import "slices"

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

// ViewsOf are the views of all pictures.
func ViewsOf(images []*Tiles) *Views {
	all := new(Views)
	for _, t := range images {
		all.Append(&t.Views)
	}
	return all
}
