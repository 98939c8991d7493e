package tensor

import (
	"math"
	"slices"
	"testing"
)

// double is y = 2x, an op to test the tape with.
func double(c *Ctx, x *Tensor) *Tensor {
	y := c.New(x.Shape, x)
	for i, v := range x.F32 {
		y.F32[i] = 2 * v
	}
	c.Record(y, func() {
		for i, g := range y.Grad() {
			x.Grad()[i] += 2 * g
		}
	})
	return y
}

// product is y = Σ a·b, one element.
func product(c *Ctx, a, b *Tensor) *Tensor {
	y := c.New([]int{1}, a, b)
	y.F32[0] = 0
	for i := range a.F32 {
		y.F32[0] += a.F32[i] * b.F32[i]
	}
	c.Record(y, func() {
		g := y.Grad()[0]
		for i := range a.F32 {
			if a.NeedsGrad() {
				a.Grad()[i] += g * b.F32[i]
			}
			if b.NeedsGrad() {
				b.Grad()[i] += g * a.F32[i]
			}
		}
	})
	return y
}

func parameter(data ...float32) *Tensor {
	t := From(data, len(data))
	t.SetTrainable(true)
	return t
}

func TestBackward(t *testing.T) {
	c := &Ctx{Train: true}
	w, frozen := parameter(1, 2, 3), From([]float32{4, 5, 6}, 3)
	for pass := range 3 {
		c.Reset()
		c.Backward(product(c, double(c, w), frozen))
		k := float32(pass + 1)
		if want := []float32{8 * k, 10 * k, 12 * k}; !slices.Equal(w.Grad(), want) {
			t.Fatalf("pass %d: gradient %v, want %v", pass, w.Grad(), want)
		}
	}
	if frozen.HasGrad() {
		t.Error("a frozen tensor has a gradient")
	}
	if c := (&Ctx{}); double(c, w).NeedsGrad() || len(c.tape) != 0 {
		t.Error("inference records a tape")
	}
}

// TestRecompute has blocks that view their input, capture a tensor from outside,
// and are followed by ops that would overwrite what they wrongly freed.
func TestRecompute(t *testing.T) {
	gradients := func(recompute bool) [][]float32 {
		c := &Ctx{Train: true}
		w, v := parameter(1, 2, 3, 4), parameter(5, 6, 7, 8)
		outer := double(c, v)
		f := func(c *Ctx, x *Tensor) *Tensor {
			y := double(c, c.View(x, 2, 2))
			y = double(c, c.View(y, 4))
			z := c.New(y.Shape, y, outer)
			for i, v := range y.F32 {
				z.F32[i] = v * outer.F32[i]
			}
			c.Record(z, func() {
				for i, g := range z.Grad() {
					y.Grad()[i] += g * outer.F32[i]
					outer.Grad()[i] += g * y.F32[i]
				}
			})
			return double(c, z)
		}
		step := f
		if recompute {
			step = func(c *Ctx, x *Tensor) *Tensor { return c.Recompute(x, f) }
		}
		y := double(c, w)
		for range 3 {
			y = step(c, y)
		}
		y = product(c, y, From([]float32{1, 2, 3, 4}, 4))
		junk := c.New([]int{1000})
		for i := range junk.F32 {
			junk.F32[i] = 1e9
		}
		c.Backward(double(c, y))
		return [][]float32{y.F32, w.Grad(), v.Grad()}
	}
	want, got := gradients(false), gradients(true)
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%d: %v recomputed, %v plain", i, got[i], want[i])
		}
	}
}

func TestRecomputeObservesOnce(t *testing.T) {
	seen := 0
	c := &Ctx{Train: true, Observer: func(string, *Tensor) { seen++ }}
	y := c.Recompute(parameter(1), func(c *Ctx, x *Tensor) *Tensor {
		y := double(c, x)
		c.Observe("y", y)
		return y
	})
	c.Backward(y)
	if seen != 1 || c.Observer == nil {
		t.Errorf("observed %d times; observer left: %v", seen, c.Observer != nil)
	}
}

// TestRecomputeOfFrozen has nothing to learn.
func TestRecomputeOfFrozen(t *testing.T) {
	c := &Ctx{Train: true}
	if y := c.Recompute(New(3), double); y.NeedsGrad() || len(c.tape) != 0 {
		t.Error("a block without trainable tensors is recorded")
	}
}

func TestSlice(t *testing.T) {
	c := &Ctx{Train: true}
	w := From([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	w.SetTrainable(true)
	v := c.Slice(w, 1, 3)
	if !slices.Equal(v.Shape, []int{2, 2}) || !slices.Equal(v.F32, []float32{3, 4, 5, 6}) {
		t.Fatalf("%v %v", v, v.F32)
	}
	c.Backward(product(c, v, From([]float32{1, 2, 3, 4}, 2, 2)))
	if want := []float32{0, 0, 1, 2, 3, 4}; !slices.Equal(w.Grad(), want) {
		t.Errorf("gradient %v, want %v", w.Grad(), want)
	}
	half := From([]float32{1, 2, 3, 4}, 2, 2)
	half.Store(F16, nil)
	last := make([]float32, 2)
	c.Slice(half, 1, 2).Floats(last)
	if !slices.Equal(last, []float32{3, 4}) {
		t.Errorf("of F16: %v", last)
	}
}

func TestView(t *testing.T) {
	c := &Ctx{Train: true}
	w := parameter(1, 2, 3, 4)
	v := c.View(w, 2, 2)
	c.Backward(product(c, v, From([]float32{1, 2, 3, 4}, 2, 2)))
	if !slices.Equal(w.Grad(), []float32{1, 2, 3, 4}) {
		t.Errorf("gradient through a view: %v", w.Grad())
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for a view of another size")
		}
	}()
	c.View(w, 3)
}

func TestReuse(t *testing.T) {
	type a struct{ n int }
	type b struct{ n int }
	c := &Ctx{}
	Reuse[a](c).n = 1
	Reuse[b](c).n = 2
	c.Reset()
	if Reuse[a](c).n != 1 || Reuse[b](c).n != 2 || Reuse[a](&Ctx{}).n != 0 {
		t.Error("Reuse mixes up its values")
	}
}

// TestFrozenBlocks wants training to free what a block made that nothing is learnt by,
// and to keep the rest.
func TestFrozenBlocks(t *testing.T) {
	block := func(c *Ctx, x *Tensor) *Tensor {
		for range 8 {
			x = double(c, x)
		}
		return x
	}
	used := func(learns bool) int {
		c := &Ctx{Train: true}
		x := From(make([]float32, 64), 64)
		x.SetTrainable(learns)
		y := c.Replace(c.Block(x, block), block)
		if y.NeedsGrad() != learns {
			t.Errorf("the output learns: %v, want %v", y.NeedsGrad(), learns)
		}
		return c.arena.here().f32.used
	}
	if frozen, learning := used(false), used(true); frozen != 2*64 || learning < 16*64 {
		t.Errorf("%d elements held behind frozen blocks and %d behind others, want %d and at least %d", frozen, learning, 2*64, 16*64)
	}
}

// TestBytes: the most that was in use counts, whatever is freed and taken again.
func TestBytes(t *testing.T) {
	c := &Ctx{}
	if c.Bytes() != 0 {
		t.Errorf("%d bytes at first", c.Bytes())
	}
	for _, n := range []int{10, 1000, 100} {
		c.Reset()
		c.New([]int{n, 2})
		c.Scratch(n)
	}
	if got, want := c.Bytes(), 4*(2000+1008); got != want { // in whole lines of a cache
		t.Errorf("%d bytes, want %d", got, want)
	}
}

// TestForgottenGradient: after ZeroGrad the next sum takes the place of what was there,
// and those after it are added, also when the parameter was frozen in between.
func TestForgottenGradient(t *testing.T) {
	for _, frozen := range []bool{false, true} {
		w := parameter(1, 2)
		copy(w.Grad(), []float32{5, 6})
		w.ZeroGrad()
		if frozen {
			w.SetTrainable(false)
			w.SetTrainable(true)
		}
		for _, before := range []bool{false, true} {
			g, used := w.GradSink()
			if used != before {
				t.Errorf("frozen %v: used %v, want %v", frozen, used, before)
			}
			g[0], g[1] = 1, 1
		}
		w.ZeroGrad()
		if !w.HasGrad() || !slices.Equal(w.Grad(), []float32{0, 0}) {
			t.Errorf("frozen %v: gradient %v after ZeroGrad, has one %v", frozen, w.Grad(), w.HasGrad())
		}
	}
}

// TestAdoptGrad: a gradient is handed on only to a tensor that has none and lives as long.
func TestAdoptGrad(t *testing.T) {
	c, other := &Ctx{Train: true}, &Ctx{Train: true}
	w := parameter(1, 2)
	y := c.New([]int{2}, w)
	y.Grad()[0] = 7
	x, elsewhere, used := c.New([]int{2}, w), other.New([]int{2}, w), c.New([]int{2}, w)
	used.Grad()
	for name, to := range map[string]*Tensor{"a parameter": w, "a tensor of another pass": elsewhere, "one with a gradient": used} {
		if to.AdoptGrad(y) {
			t.Errorf("%s took a gradient over", name)
		}
	}
	if !x.AdoptGrad(y) || x.Grad()[0] != 7 {
		t.Errorf("gradient %v, want y's", x.Grad())
	}
	inner := c.arena.enter()
	z := c.New([]int{2}, w)
	if x.AdoptGrad(z) || z.AdoptGrad(y) {
		t.Error("a gradient crossed the end of a scope")
	}
	c.arena.leave(inner)
}

// TestGradientMemory: gradients between the ops take turns in the memory of a few, in
// blocks that are recomputed too.
func TestGradientMemory(t *testing.T) {
	const depth, n = 50, 1 << 12
	w := New(n)
	w.F32[0] = 1
	w.SetTrainable(true)
	ones := From(make([]float32, n), n)
	ones.F32[0] = 1
	for _, recompute := range []bool{false, true} {
		c := &Ctx{Train: true}
		for pass := range 3 {
			c.Reset()
			w.ZeroGrad()
			x := double(c, w)
			for range depth {
				if recompute {
					x = c.Recompute(x, double)
				} else {
					x = double(c, x)
				}
			}
			c.Backward(product(c, x, ones))
			if want := float32(math.Exp2(depth + 1)); w.Grad()[0] != want {
				t.Fatalf("recompute %v, pass %d: gradient %v, want %v", recompute, pass, w.Grad()[0], want)
			}
		}
		if got, most := c.Bytes(), 4*n*(depth+6); got > most {
			t.Errorf("recompute %v: %d bytes for %d outputs of %d, want at most %d", recompute, got, depth+1, 4*n, most)
		}
	}
}
