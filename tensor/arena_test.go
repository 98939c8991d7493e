package tensor

import "testing"

// TestArenaSettles: the first run of given shapes allocates, the next ones do not.
func TestArenaSettles(t *testing.T) {
	c := &Ctx{}
	run := func() {
		c.Reset()
		for i := range 300 {
			x := c.New([]int{i, 17})
			for j := range x.F32 {
				x.F32[j] = float32(i)
			}
			c.Scratch(100_000)
		}
	}
	run()
	run()
	if n := testing.AllocsPerRun(5, run); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// TestArenaOfVaryingRuns: runs of ever other shapes end up in few chunks.
func TestArenaOfVaryingRuns(t *testing.T) {
	c := &Ctx{}
	most := 0
	for run := range 200 {
		c.Reset()
		used := 0
		for i := range 40 {
			n := (run*7919 + i*104729) % (f32Chunk / 2)
			c.Scratch(n)
			used += n
		}
		most = max(most, used)
	}
	if s := &c.arena.f32; s.held > 3*most || len(s.chunks) > 12 {
		t.Errorf("%d floats in %d chunks, and no run needs more than %d", s.held, len(s.chunks), most)
	}
}

// TestReplaceNeedsOneBlock: blocks one after the other need the memory of one, give what
// Block gives, and leave a tensor from outside alone.
func TestReplaceNeedsOneBlock(t *testing.T) {
	double := func(c *Ctx, x *Tensor) *Tensor {
		y := c.New(x.Shape, x)
		for i, v := range x.F32 {
			y.F32[i] = 2 * v
		}
		return y
	}
	c := &Ctx{}
	in := From([]float32{1, 2, 3}, 1, 3)
	x := c.Block(in, double)
	at := c.arena.f32.at
	for range 5 {
		x = c.Replace(x, double)
	}
	if c.arena.f32.at != at {
		t.Errorf("five blocks moved the arena from %v to %v", at, c.arena.f32.at)
	}
	if x.F32[2] != 3*64 || in.F32[2] != 3 {
		t.Errorf("%v from %v", x.F32, in.F32)
	}
}

// TestArenaKeepsApart writes tensors of many sizes and reads them again.
func TestArenaKeepsApart(t *testing.T) {
	c := &Ctx{}
	for range 3 {
		c.Reset()
		var all []*Tensor
		for i := range 500 {
			x := c.New([]int{1 + i*i%1237, 3})
			for j := range x.F32 {
				x.F32[j] = float32(i)
			}
			all = append(all, x)
		}
		for i, x := range all {
			if x.Rows() != 1+i*i%1237 || x.Cols() != 3 {
				t.Fatalf("tensor %d has shape %v", i, x.Shape)
			}
			for _, v := range x.F32 {
				if v != float32(i) {
					t.Fatalf("tensor %d was overwritten by %v", i, v)
				}
			}
		}
	}
}

func TestScopesFree(t *testing.T) {
	c := &Ctx{}
	x := c.New([]int{4})
	at := c.arena.f32.at
	s := c.arena.enter()
	c.New([]int{4})
	x.Grad()[0] = 1
	c.arena.leave(s)
	if c.arena.f32.at != at {
		t.Error("leaving a scope did not free it")
	}
	y := c.New([]int{64})
	for i := range y.F32 {
		y.F32[i] = 2
	}
	if x.Grad()[0] != 1 {
		t.Error("leaving a scope freed the gradient of a tensor from outside")
	}
}
