package qformer

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// pass is what the layers need to know of the views that run. The rows of a view
// are its queries, then its text.
type pass struct {
	self  ops.Attn       // queries and text of a view
	cross ops.Attn       // queries of a view to its features
	seen  *tensor.Tensor // the features

	views, n  int     // views, and queries of each
	queryRows []int32 // rows that are queries
	textRows  []int32 // rows that are text; none without
	order     []int32 // for all queries followed by all text, the row of the latter that each row of the pass is
}

func (m *Model) begin(c *tensor.Ctx, queries *tensor.Tensor, f *model.Features, text [][]int32) *pass {
	p := &pass{seen: f.X, views: len(f.Starts) - 1, n: queries.Rows()}
	starts, queryStarts := []int{0}, []int{0}
	for v := range p.views {
		row := int32(starts[v])
		for i := range p.n {
			p.queryRows = append(p.queryRows, row+int32(i))
			p.order = append(p.order, int32(v*p.n+i))
		}
		words := 0
		if text != nil {
			words = len(text[v])
		}
		for i := range words {
			p.order = append(p.order, int32(p.views*p.n+len(p.textRows)))
			p.textRows = append(p.textRows, row+int32(p.n+i))
		}
		starts, queryStarts = append(starts, starts[v]+p.n+words), append(queryStarts, queryStarts[v]+p.n)
	}
	p.self = ops.Attn{Heads: m.cfg.NumHeads, KVHeads: m.cfg.NumHeads, Starts: starts}
	p.cross = ops.Attn{Heads: m.cfg.NumHeads, KVHeads: m.cfg.NumHeads, Starts: queryStarts, KStarts: f.Starts}
	return p
}

// reads reports whether there is text.
func (p *pass) reads() bool { return len(p.textRows) > 0 }

// repeat has the queries once for each view.
func (p *pass) repeat(c *tensor.Ctx, queries *tensor.Tensor) *tensor.Tensor {
	rows := make([]int32, p.views*p.n)
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
	return ops.Gather(c, p.textRows, x)
}

// join puts the text of each view behind its queries.
func (p *pass) join(c *tensor.Ctx, queries, text *tensor.Tensor) *tensor.Tensor {
	return ops.Gather(c, p.order, queries, text)
}

// forward embeds texts, one after another.
func (e *embeddings) forward(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	var ids, places []int32
	for _, t := range texts {
		for i, id := range t {
			ids, places = append(ids, id), append(places, int32(i))
		}
	}
	return e.Place(c, e.Words.Forward(c, ids), places)
}
