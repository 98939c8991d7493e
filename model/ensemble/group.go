package ensemble

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Group is encoders that stand side by side: a row has the channels of all.
type Group struct {
	Members []*Member `ckpt:"encoders"`

	layout
}

// Member is an encoder of a group.
type Member struct {
	Encoder model.Encoder `ckpt:""`

	name string // under which its features are observed
	look look
	layout
}

// layout is what the rows of a view stand for: the class token, if there is one,
// and the places of a square line by line; or, where side is 0, n rows without an order.
type layout struct {
	class   bool
	side, n int
}

// Rows are the features of a view.
func (l layout) Rows() int {
	if l.side == 0 {
		return l.n
	}
	if l.class {
		return 1 + l.side*l.side
	}
	return l.side * l.side
}

// join settles the layout of a group: as many places as its finest encoder has, and
// a class token if one has one.
func (g *Group) join() error {
	for _, e := range g.Members {
		if e.side == 0 && len(g.Members) > 1 {
			return fmt.Errorf("%s: its features have no places, and cannot stand beside those of other encoders: make it an entry of its own, joined on tokens", e.name)
		}
		g.class, g.side, g.n = g.class || e.class, max(g.side, e.side), e.n
	}
	return nil
}

// Width is that of a feature.
func (g *Group) Width() (n int) {
	for _, e := range g.Members {
		n += e.Encoder.Width()
	}
	return n
}

func (g *Group) encode(c *tensor.Ctx, shown func(*look) *model.Views) *model.Features {
	parts := make([]*tensor.Tensor, len(g.Members))
	f := &model.Features{}
	for i, e := range g.Members {
		views := shown(&e.look)
		x := e.Encoder.Encode(c, views).X
		e.observe(c, x, len(views.Sizes))
		parts[i] = e.fit(c, x, g.layout, len(views.Sizes))
		f.Starts = starts(len(views.Sizes), g.Rows())
	}
	f.X = parts[0]
	if len(parts) > 1 {
		f.X = ops.Join(c, parts...)
	}
	return f
}

// observe reports the features, those of an encoder without a class token as a map.
func (e *Member) observe(c *tensor.Ctx, x *tensor.Tensor, views int) {
	if !c.Observing() {
		return
	}
	if e.side > 0 && !e.class {
		x = c.View(x, views, e.side, e.side, x.Cols())
	}
	c.Observe(e.name, x)
}

// fit lays the features x of views out as the group does: a place that is smaller
// than those of the encoder shows what the encoder saw there, and the mean of all
// places stands for a class token that it has not.
func (e *Member) fit(c *tensor.Ctx, x *tensor.Tensor, to layout, views int) *tensor.Tensor {
	if e.layout == to {
		return x
	}
	src := []*tensor.Tensor{x}
	mean := to.class && !e.class
	if mean {
		src = append(src, ops.MeanRows(c, x, views))
	}
	rows := make([]int32, 0, views*to.Rows())
	for v := range views {
		first := v * e.Rows()
		switch {
		case mean:
			rows = append(rows, int32(x.Rows()+v))
		case to.class:
			rows = append(rows, int32(first))
		}
		if e.class {
			first++
		}
		for i := range to.side * to.side {
			y, column := i/to.side*e.side/to.side, i%to.side*e.side/to.side
			rows = append(rows, int32(first+y*e.side+column))
		}
	}
	return ops.Gather(c, rows, src...)
}

// starts are the bounds of views of equally many rows.
func starts(views, rows int) []int {
	s := []int{0}
	for range views {
		s = append(s, s[len(s)-1]+rows)
	}
	return s
}
