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
	if n := len(c.arena.f32.chunks); n != 1 {
		t.Errorf("%d chunks after Reset", n)
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
