package tensor

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
)

// Ctx is one execution: it owns the activations and, when training, the tape.
// The zero value runs inference on the calling goroutine. A Ctx is used by one goroutine.
type Ctx struct {
	Train bool         // record a tape for Backward
	Pool  *kernel.Pool // workers of the kernels; nil runs on the caller

	// Draw is the number of this forward pass in a run of training: passes of different
	// numbers drop different elements, and one that is computed again drops the same.
	Draw uint64

	// Observer, when set, sees every stage that a model reports by Observe.
	Observer func(stage string, t *Tensor)

	// Inputs, when set, sees the rows that go into every linear layer with the
	// layer's weight, for calibration. The rows are valid during the call.
	Inputs func(weight, x *Tensor)

	arena arena
	tape  []record
	kept  []any
}

// record is how an op pushes the gradient of y to its inputs.
type record struct {
	y    *Tensor
	back func()
}

// New returns the output of an op, uninitialised, valid until Reset. When
// training it needs a gradient if any of the inputs does.
func (c *Ctx) New(shape []int, in ...*Tensor) *Tensor {
	y := c.arena.header()
	y.Shape = c.arena.shape(shape)
	y.F32 = c.arena.floats(Size(shape))
	if c.Train {
		for _, t := range in {
			y.needs = y.needs || t.NeedsGrad()
		}
	}
	return y
}

// Scratch returns n uninitialised floats that live until Reset.
func (c *Ctx) Scratch(n int) []float32 { return c.arena.floats(n) }

// View returns the elements of t under another shape of the same size. The
// gradient is shared too.
func (c *Ctx) View(t *Tensor, shape ...int) *Tensor {
	if Size(shape) != t.Len() {
		panic(fmt.Sprintf("tensor: View: %v as %v", t.Shape, shape))
	}
	y := c.sharing(t)
	y.Shape = c.arena.shape(shape)
	return y
}

// Slice returns the entries [lo, hi) of t's first dimension without copying
// them: one of several matrices that are stored as one. The gradient is shared too.
func (c *Ctx) Slice(t *Tensor, lo, hi int) *Tensor {
	if lo < 0 || hi < lo || hi > t.Shape[0] {
		panic(fmt.Sprintf("tensor: Slice: %d to %d of %v", lo, hi, t.Shape))
	}
	y := c.sharing(t)
	y.Shape = c.arena.shape(t.Shape)
	y.Shape[0] = hi - lo
	per := Size(t.Shape[1:])
	if t.DType == F32 {
		y.F32 = t.F32[lo*per : hi*per]
	} else {
		y.Raw = t.Raw[t.DType.Bytes(lo*per):t.DType.Bytes(hi*per)]
	}
	if t.needs {
		y.grad = y.grad[lo*per : hi*per]
	}
	return y
}

// sharing is a copy of t that shares its elements and its gradient.
func (c *Ctx) sharing(t *Tensor) *Tensor {
	if t.needs {
		t.Grad()
	}
	y := c.arena.header()
	*y = *t
	return y
}

// Record remembers how to push y's gradient to the inputs it was made from. Ops
// call it once, and only if y.NeedsGrad(), so that inference makes no closure.
func (c *Ctx) Record(y *Tensor, back func()) {
	if y.needs {
		c.tape = append(c.tape, record{y, back})
	}
}

// Backward runs the tape from loss, a one-element tensor, to the parameters. The
// gradients of what is between are gone afterwards.
func (c *Ctx) Backward(loss *Tensor) {
	if len(loss.F32) != 1 {
		panic(fmt.Sprintf("tensor: Backward from shape %v, want one element", loss.Shape))
	}
	loss.Grad()[0] = 1
	c.unwind(0)
}

// unwind runs and drops the tape's entries from the newest down to bottom. Nobody reads
// the gradient of an output that has been pushed to the inputs: the next ones take its
// memory, which is in the caches still.
func (c *Ctx) unwind(bottom int) {
	for len(c.tape) > bottom {
		r := c.tape[len(c.tape)-1]
		c.tape[len(c.tape)-1] = record{}
		c.tape = c.tape[:len(c.tape)-1]
		r.back()
		r.y.dropGrad()
	}
}

// Block runs f, a block of a model whose output has the shape of its input.
// Inference frees all but the output when the block ends, so that memory does
// not grow with the number of blocks; training keeps everything for Backward, unless
// no gradient flows through the block.
func (c *Ctx) Block(x *Tensor, f func(c *Ctx, x *Tensor) *Tensor) *Tensor {
	if c.Train {
		return c.learn(x, f)
	}
	y := c.New(x.Shape)
	s := c.arena.enter()
	copy(y.F32, f(c, x).F32)
	c.arena.leave(s)
	return y
}

// Replace is Block whose output takes the place of x when nothing is learnt: the
// memory of any number of blocks is that of one. Who holds x sees the output.
func (c *Ctx) Replace(x *Tensor, f func(c *Ctx, x *Tensor) *Tensor) *Tensor {
	if c.Train {
		return c.learn(x, f)
	}
	s := c.arena.enter()
	copy(x.F32, f(c, x).F32)
	c.arena.leave(s)
	return x
}

// learn is Block in training: a frozen tower's memory does not grow with its blocks.
func (c *Ctx) learn(x *Tensor, f func(c *Ctx, x *Tensor) *Tensor) *Tensor {
	bottom, s := len(c.tape), c.arena.here()
	y := f(c, x)
	if y.needs || len(c.tape) > bottom {
		return y
	}
	shape, data := slices.Clone(y.Shape), slices.Clone(y.F32)
	c.arena.back(s)
	y = c.New(shape)
	copy(y.F32, data)
	return y
}

// Recompute runs f, a block of a model, without keeping its activations: only
// the output survives, and Backward runs f once more to get the rest (Chen et
// al. 2016, https://arxiv.org/abs/1604.06174). It trades a third more arithmetic
// for memory that no longer grows with the size of a block.
func (c *Ctx) Recompute(x *Tensor, f func(c *Ctx, x *Tensor) *Tensor) *Tensor {
	if !c.Train {
		return c.Block(x, f)
	}
	y, needs := c.withoutTape(x, f)
	y.needs = needs
	c.Record(y, func() {
		in := *x
		if x.needs {
			in.grad = x.Grad()
		}
		dy, bottom := y.Grad(), len(c.tape)
		defer c.arena.leave(c.arena.enter())
		observer := c.Observer
		c.Observer = nil // it saw the stages the first time
		z := f(c, &in)
		c.Observer = observer
		dz := z.Grad()
		for i, g := range dy {
			dz[i] += g
		}
		c.unwind(bottom)
	})
	return y
}

// withoutTape runs f and frees everything it allocated but a copy of its output.
// It reports whether a gradient flows through f.
func (c *Ctx) withoutTape(x *Tensor, f func(c *Ctx, x *Tensor) *Tensor) (y *Tensor, needs bool) {
	bottom := len(c.tape)
	s := c.arena.enter()
	in := *x
	in.depth = c.arena.depth // whatever f does to the gradient of its copy is freed too
	z := f(c, &in)
	shape, data, needs := slices.Clone(z.Shape), slices.Clone(z.F32), z.needs
	clear(c.tape[bottom:])
	c.tape = c.tape[:bottom]
	c.arena.leave(s)
	y = c.New(shape)
	copy(y.F32, data)
	return y, needs
}

// Observe reports an intermediate result under a name of testdata's FORMAT, for
// verify, inspect and the non-finite guard. It is free when nobody listens.
func (c *Ctx) Observe(stage string, t *Tensor) {
	if c.Observer != nil {
		c.Observer(stage, t)
	}
}

// ObserveInput reports that a linear layer is about to multiply x by its weight.
// It is free when nobody listens.
func (c *Ctx) ObserveInput(weight, x *Tensor) {
	if c.Inputs != nil {
		c.Inputs(weight, x)
	}
}

// Observing reports whether somebody listens, for models that would otherwise
// build stage names for nobody.
func (c *Ctx) Observing() bool { return c.Observer != nil }

// Reset frees every tensor made since the last Reset, and the tape. Parameters
// and caches are not in the arena and stay.
func (c *Ctx) Reset() {
	clear(c.tape)
	c.tape = c.tape[:0]
	c.arena.reset()
}

// Bytes is the most memory that activations have taken so far, with their gradients.
func (c *Ctx) Bytes() int { return 4 * c.arena.f32.taken() }

// Reuse returns the one J that c keeps, zero at first: working memory that an op
// or a model would otherwise allocate at every call. It survives Reset.
func Reuse[J any](c *Ctx) *J {
	for _, k := range c.kept {
		if j, ok := k.(*J); ok {
			return j
		}
	}
	j := new(J)
	c.kept = append(c.kept, j)
	return j
}
