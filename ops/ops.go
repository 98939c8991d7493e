// Package ops is the closed set of differentiable operations that models are
// written in. Each op is one file holding its forward and its backward, and one
// row of the table in ops_test.go, which checks it against a float64 reference
// and finite differences. An op without a backward is not added.
//
// Matrices are [rows, columns], with all leading dimensions of a tensor as rows;
// sequences are packed, [tokens, width]. An op that is given shapes which do not
// fit panics. In training, slices given to an op (labels, indices, positions)
// must not change before Backward has run.
package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// T is short for tensor.Tensor.
type T = tensor.Tensor

// chunk is about how many elements are worth handing to another worker. The
// split never depends on the number of workers, nor do results.
const chunk = 8192

// loop runs body over ranges that cover [0, n). It stands for a closure, which
// would have to be allocated at every call.
type loop[A any] struct {
	body    func(a *A, lo, hi int)
	args    A
	n, size int
}

func (l *loop[A]) Run(part int) {
	l.body(&l.args, part*l.size, min((part+1)*l.size, l.n))
}

// each runs body, which must not capture variables, on all of [0, n); cost is
// the number of elements that one step of it touches.
func each[A any](c *tensor.Ctx, n, cost int, args A, body func(a *A, lo, hi int)) {
	if n == 0 {
		return
	}
	l := tensor.Reuse[loop[A]](c)
	*l = loop[A]{body: body, args: args, n: n, size: max(1, chunk/max(cost, 1))}
	c.Pool.Run((n+l.size-1)/l.size, l)
	*l = loop[A]{}
}

// strip is the width of the column ranges that reductions over rows are split into.
const strip = 64

// eachStrip is each over column ranges of a [rows, cols] matrix: a sum over the
// rows then has one owner for each column, and one order.
func eachStrip[A any](c *tensor.Ctx, rows, cols int, args A, body func(a *A, lo, hi int)) {
	if rows == 0 || cols == 0 {
		return
	}
	l := tensor.Reuse[loop[A]](c)
	size := max(strip, chunk/rows/strip*strip)
	*l = loop[A]{body: body, args: args, n: cols, size: size}
	c.Pool.Run((cols+size-1)/size, l)
	*l = loop[A]{}
}

// unary and binary are the operands of element-wise loops.
type (
	unary  struct{ y, x []float32 }
	binary struct{ y, a, b []float32 }
	scaled struct {
		y, x []float32
		s    float32
	}
)

// floats returns the elements of t as float32, converted if need be; nil for nil.
func floats(c *tensor.Ctx, t *T) []float32 {
	if t == nil {
		return nil
	}
	if t.DType == tensor.F32 {
		return t.F32
	}
	f := c.Scratch(t.Len())
	kernel.ToF32(f, t.Raw, t.DType)
	return f
}

// sink is the gradient of an input, to which an op adds part by part.
type sink struct {
	g     []float32 // nil if the input needs none
	fresh bool      // not yet zeroed
}

func sinkOf(t *T) sink {
	if !t.NeedsGrad() {
		return sink{}
	}
	g, used := t.GradSink()
	return sink{g, !used}
}

// part returns elements [lo, hi) to add to, nil if there is no gradient. An op
// asks for every element exactly once: zeroing here, by the worker that is about
// to write, keeps the zeros in its cache.
func (s *sink) part(lo, hi int) []float32 {
	p := cut(s.g, lo, hi)
	if s.fresh {
		clear(p)
	}
	return p
}

// gradOf is the gradient accumulator of t, nil if it needs none.
func gradOf(c *tensor.Ctx, t *T) []float32 {
	s := sinkOf(t)
	if s.fresh {
		each(c, len(s.g), 1, s, func(s *sink, lo, hi int) { s.part(lo, hi) })
	}
	return s.g
}

// accumulate adds dy to the gradient of x if it needs one.
func accumulate(c *tensor.Ctx, x *T, dy []float32) {
	if !x.NeedsGrad() {
		return
	}
	g, used := x.GradSink()
	store := func(a *unary, lo, hi int) { copy(a.y[lo:hi], a.x[lo:hi]) }
	if used {
		store = func(a *unary, lo, hi int) { kernel.AddTo(a.y[lo:hi], a.x[lo:hi]) }
	}
	each(c, len(dy), 1, unary{g, dy}, store)
}

// pass adds the gradient of y, which nothing reads afterwards, to that of x if it needs one.
func pass(c *tensor.Ctx, x, y *T) {
	if x.NeedsGrad() && !x.AdoptGrad(y) {
		accumulate(c, x, y.Grad())
	}
}

func sameShape(op string, a, b *T) {
	if a.Len() != b.Len() || a.Cols() != b.Cols() {
		panic(fmt.Sprintf("ops: %s: shapes %v and %v", op, a.Shape, b.Shape))
	}
}

// cut is s[lo:hi], and nil for nil.
func cut(s []float32, lo, hi int) []float32 {
	if s == nil {
		return nil
	}
	return s[lo:hi]
}
