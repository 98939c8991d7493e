package qformer

import (
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// pass is what the layers need to know of the items that run. The rows of an item
// are its queries, then its text.
type pass struct {
	self  ops.Attn       // queries and text of an item to each other
	cross ops.Attn       // queries of an item to its features
	seen  *tensor.Tensor // the features of all views; nil where nothing is seen
	rows  []int32        // of seen, those that the items see one after another; nil: all, in their order

	causal    bool     // no text sees what is behind it, and no query sees text
	own, read ops.Attn // in place of self where causal: of the queries, and of the text

	items, n  int     // items, and queries of each
	queryRows []int32 // rows that are queries
	textRows  []int32 // rows that are text; none without
	order     []int32 // for all queries followed by all text, the row of the latter that each row of the pass is
}

func (m *Model) begin(queries *tensor.Tensor, in *Input) *pass {
	p := &pass{items: in.items(), causal: in.Causal}
	if in.Seen != nil {
		p.seen, p.n = in.Seen.X, queries.Rows()
	}
	starts, queryStarts, textStarts := []int{0}, []int{0}, []int{0}
	for v := range p.items {
		row, words := int32(starts[v]), 0
		for i := range p.n {
			p.queryRows = append(p.queryRows, row+int32(i))
			p.order = append(p.order, int32(v*p.n+i))
		}
		if in.Text != nil {
			words = len(in.Text[v])
		}
		for i := range words {
			p.order = append(p.order, int32(p.items*p.n+len(p.textRows)))
			p.textRows = append(p.textRows, row+int32(p.n+i))
		}
		starts, queryStarts = append(starts, starts[v]+p.n+words), append(queryStarts, queryStarts[v]+p.n)
		textStarts = append(textStarts, textStarts[v]+words)
	}
	attn := ops.Attn{Heads: m.cfg.NumHeads, KVHeads: m.cfg.NumHeads}
	p.self, p.own, p.read, p.cross = attn, attn, attn, attn
	p.self.Starts, p.own.Starts, p.cross.Starts = starts, queryStarts, queryStarts
	p.read.Starts, p.read.KStarts, p.read.Causal = textStarts, starts, true
	p.view(in)
	return p
}

// view notes the features that each item sees.
func (p *pass) view(in *Input) {
	if in.Seen == nil {
		return
	}
	if p.cross.KStarts = in.Seen.Starts; in.Of == nil {
		return
	}
	p.cross.KStarts = []int{0}
	for _, v := range in.Of {
		for row := in.Seen.Starts[v]; row < in.Seen.Starts[v+1]; row++ {
			p.rows = append(p.rows, int32(row))
		}
		p.cross.KStarts = append(p.cross.KStarts, len(p.rows))
	}
}

// attend is self-attention. Where it is causal, text sees the queries and what is
// before it, as if it went on from what the queries alone left in a cache.
func (p *pass) attend(c *tensor.Ctx, a *attention, x *tensor.Tensor) *tensor.Tensor {
	q, k, v := a.Heads.Q.Forward(c, x), a.Heads.K.Forward(c, x), a.Heads.V.Forward(c, x)
	if !p.causal {
		return a.Output.Forward(c, ops.Attention(c, q, k, v, &p.self), x)
	}
	own := ops.Attention(c, p.queries(c, q), p.queries(c, k), p.queries(c, v), &p.own)
	read := ops.Attention(c, p.text(c, q), k, v, &p.read)
	return a.Output.Forward(c, p.join(c, own, read), x)
}

// look is cross-attention of the queries q to the features. Items that see the same
// view share its keys and values.
func (p *pass) look(c *tensor.Ctx, a *attention, q *tensor.Tensor) *tensor.Tensor {
	k, v := a.Heads.K.Forward(c, p.seen), a.Heads.V.Forward(c, p.seen)
	if p.rows != nil {
		k, v = ops.Gather(c, p.rows, k), ops.Gather(c, p.rows, v)
	}
	return a.Output.Forward(c, ops.Attention(c, a.Heads.Q.Forward(c, q), k, v, &p.cross), q)
}

// reads reports whether there is text.
func (p *pass) reads() bool { return len(p.textRows) > 0 }

// repeat has the queries once for each item.
func (p *pass) repeat(c *tensor.Ctx, queries *tensor.Tensor) *tensor.Tensor {
	rows := make([]int32, p.items*p.n)
	for i := range rows {
		rows[i] = int32(i % p.n)
	}
	return ops.Gather(c, rows, c.View(queries, p.n, queries.Cols()))
}

// queries are the rows of x that are queries.
func (p *pass) queries(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	if !p.reads() {
		return x
	}
	return ops.Gather(c, p.queryRows, x)
}

// text are the others.
func (p *pass) text(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	if p.n == 0 {
		return x
	}
	return ops.Gather(c, p.textRows, x)
}

// join puts the text of each item behind its queries.
func (p *pass) join(c *tensor.Ctx, queries, text *tensor.Tensor) *tensor.Tensor {
	return ops.Gather(c, p.order, queries, text)
}

// embedText embeds texts, one after another.
func (m *Model) embedText(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	var ids, places []int32
	for _, t := range texts {
		for i, id := range t {
			ids, places = append(ids, id), append(places, int32(i))
		}
	}
	return m.words.Place(c, m.words.Words.Forward(c, ids), places)
}
