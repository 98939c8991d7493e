package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// fmaProduct computes the canonical bits of one element, one correctly rounded step at a time.
func fmaProduct(x, y *operand, row, col, k int, c float32, add bool) float32 {
	for t0 := 0; t0 < k; t0 += blockK {
		var sum float32
		for t := t0; t < min(t0+blockK, k); t++ {
			sum = fma32(x.at(x.index(row, t)), y.at(y.index(col, t)), sum)
		}
		if t0 == 0 && !add {
			c = sum
		} else {
			c += sum
		}
	}
	return c
}

func TestFMA32(t *testing.T) {
	// 1 + 2^-12 squared is 1 + 2^-11 + 2^-24, a tie that a tiny addend must break.
	x := float32(1 + 0x1p-12)
	for _, c := range []struct{ addend, want float32 }{
		{0, 1 + 0x1p-11}, {0x1p-80, 1 + 0x1p-11 + 0x1p-23}, {-0x1p-80, 1 + 0x1p-11},
	} {
		if got := fma32(x, x, c.addend); got != c.want {
			t.Errorf("fma32 with %g = %b, want %b", c.addend, got, c.want)
		}
	}
}

// TestGemmBits holds the assembly to the arithmetic in the package comment.
func TestGemmBits(t *testing.T) {
	pool := NewPool(3)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if Name() == "generic" {
			return // two roundings a step; see TestGemmAgainstFloat64
		}
		rng := rand.New(rand.NewPCG(3, 4))
		for trial := range 60 {
			m, n, k := 1+rng.IntN(40), 1+rng.IntN(67), 1+rng.IntN(67)
			if trial%4 == 0 {
				k += 200 + rng.IntN(400)
			}
			for _, form := range []string{"NT", "NN", "TN"} {
				checkBits(t, rng, pool, form, DType(rng.IntN(3)), m, n, k, rng.IntN(2) == 0)
			}
		}
		for _, dtype := range []DType{F32, F16, BF16} {
			checkBits(t, rng, pool, "NT", dtype, 1, 39, 7*blockK+40, true) // all blocks of one row side by side
		}
	})
}

func checkBits(t *testing.T, rng *rand.Rand, p *Pool, form string, dtype DType, m, n, k int, add bool) {
	t.Helper()
	c, a, b := randomOperands(rng, form, dtype, m, n, k)
	before := slices.Clone(c.F32)
	multiplyForm(p, form, c, a, b, add)
	x, y := operandOf(a, form == "TN"), operandOf(b, form != "NT")
	for i := range m {
		for j := range n {
			got, old := c.F32[i*c.Stride+j], before[i*c.Stride+j]
			if want := fmaProduct(&x, &y, i, j, k, old, add); math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%s %v m=%d n=%d k=%d add=%v: c[%d,%d] = %b, want %b", form, dtype, m, n, k, add, i, j, got, want)
			}
		}
	}
}

// TestGemmSameBits: neither the workers nor the other rows and columns change an
// element, in any implementation.
func TestGemmSameBits(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, shape := range [][3]int{{1, 70, 600}, {25, 33, 300}, {26, 40, 2000}, {130, 96, 513}, {300, 2100, 20}} {
			m, n, k := shape[0], shape[1], shape[2]
			a, b := randomMat(rng, F32, m, k), randomMat(rng, BF16, n, k)
			want := make([]float32, m*n)
			(*Pool)(nil).GemmNT(F32Mat(want, m, n), a, b, false)
			for _, workers := range []int{1, 2, 7} {
				got := make([]float32, m*n)
				p := NewPool(workers)
				p.GemmNT(F32Mat(got, m, n), a, b, false)
				p.Close()
				if !slices.Equal(got, want) {
					t.Errorf("%v: %d workers change the product", shape, workers)
				}
			}
			row := make([]float32, n)
			for _, i := range []int{0, m / 2, m - 1} {
				one := Mat{Rows: 1, Cols: k, Stride: k, F32: a.F32[i*a.Stride:]}
				(*Pool)(nil).GemmNT(F32Mat(row, 1, n), one, b, false)
				if !slices.Equal(row, want[i*n:(i+1)*n]) {
					t.Errorf("%v: row %d alone has another product", shape, i)
				}
			}
		}
	})
}

// TestGemmImplsAgree compares the assembly implementations with one another.
func TestGemmImplsAgree(t *testing.T) {
	var first []float32
	var name string
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if Name() == "generic" {
			return
		}
		rng := rand.New(rand.NewPCG(7, 8))
		var all []float32
		for _, form := range []string{"NT", "NN", "TN"} {
			for _, dtype := range []DType{F32, F16, BF16} {
				c, a, b := randomOperands(rng, form, dtype, 61, 83, 531)
				multiplyForm(nil, form, c, a, b, true)
				all = append(all, c.F32...)
			}
		}
		if first == nil {
			first, name = all, Name()
		}
		if !slices.Equal(all, first) {
			t.Errorf("%s and %s differ", Name(), name)
		}
	})
}

// TestGemmWithinGuards puts every operand against a page that faults.
func TestGemmWithinGuards(t *testing.T) {
	gc, ga, gb := newGuarded(t), newGuarded(t), newGuarded(t)
	brains := brainPool(1)
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for trial := range 600 {
			form, dtype := []string{"NT", "NN", "TN"}[trial%3], DType(trial/3%3)
			m, n, k := rng.IntN(68), rng.IntN(68), rng.IntN(68)
			// A guarded region holds 4096 floats.
			m = min(m, 4096/(max(n, k)+5))
			n = min(n, 4096/(k+5))
			atEnd := trial/9%2 == 0
			c, a, b := randomOperands(rng, form, dtype, m, n, k)
			place := func(g guarded, x Mat) Mat {
				x.F32 = g.floats(len(x.F32), 0, atEnd)
				for i := range x.F32 {
					x.F32[i] = float32(i%13) - 6
				}
				return x
			}
			c, a = place(gc, c), place(ga, a)
			if dtype == F32 {
				b = place(gb, b)
			} else {
				raw := gb.bytes(len(b.Raw), 0, atEnd)
				copy(raw, b.Raw)
				b.Raw = raw
			}
			multiplyForm(nil, form, c, a, b, trial%2 == 0)
			multiplyForm(brains, form, c, a, b, trial%2 == 0)
		}
	})
}

func TestGemmPanics(t *testing.T) {
	f := func(rows, cols int) Mat { return F32Mat(make([]float32, rows*cols), rows, cols) }
	half := Mat{Rows: 4, Cols: 5, Stride: 5, DType: F16, Raw: make([]byte, 40)}
	short := f(4, 5)
	short.F32 = short.F32[:19]
	narrow := f(4, 5)
	narrow.Stride = 4
	for _, c := range []struct {
		want    string
		form    string
		c, a, b Mat
	}{
		{"kernel: GemmNT: c 3×4, a 3×5, b 4×6", "NT", f(3, 4), f(3, 5), f(4, 6)},
		{"kernel: GemmNN: c 3×4, a 3×5, b 4×5", "NN", f(3, 4), f(3, 5), f(4, 5)},
		{"kernel: GemmTN: c 3×4, a 3×5, b 3×4", "TN", f(3, 4), f(3, 5), f(3, 4)},
		{"kernel: GemmNT: c is F32, a is F16, want F32", "NT", f(4, 4), half, f(4, 5)},
		{"kernel: GemmNT: b 4×5 with stride 5 needs 20 elements, has 19", "NT", f(3, 4), f(3, 5), short},
		{"kernel: GemmNT: b 4×5 with stride 4", "NT", f(3, 4), f(3, 5), narrow},
		{"kernel: GemmNT: b is I32, want F32, F16, BF16 or a quantised dtype", "NT", f(3, 4), f(3, 5), Mat{Rows: 4, Cols: 5, Stride: 5, DType: I32}},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != c.want {
					t.Errorf("panic %q, want %q", got, c.want)
				}
			}()
			multiplyForm(nil, c.form, c.c, c.a, c.b, false)
		}()
	}
}

func TestGemmNothingToSum(t *testing.T) {
	c := F32Mat([]float32{1, 2, 3, 4, 5}, 2, 2)
	c.Stride = 3
	(*Pool)(nil).GemmNT(c, F32Mat(nil, 2, 0), F32Mat(nil, 2, 0), true)
	if want := []float32{1, 2, 3, 4, 5}; !slices.Equal(c.F32, want) {
		t.Errorf("adding an empty product gave %v", c.F32)
	}
	(*Pool)(nil).GemmNT(c, F32Mat(nil, 2, 0), F32Mat(nil, 2, 0), false)
	if want := []float32{0, 0, 3, 0, 0}; !slices.Equal(c.F32, want) {
		t.Errorf("an empty product gave %v, want %v", c.F32, want)
	}
}
