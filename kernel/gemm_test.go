package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

func TestGemmAgainstFloat64(t *testing.T) {
	pool := NewPool(3)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for trial := range 40 {
			m, n, k := rng.IntN(68), rng.IntN(68), rng.IntN(68)
			switch trial % 10 {
			case 0:
				k = 250 + rng.IntN(300)
			case 1:
				m = 90 + rng.IntN(120)
			case 2:
				n, k = 2040+rng.IntN(20), 8
			}
			p := pool
			if trial%3 == 0 {
				p = nil
			}
			for _, form := range []string{"NT", "NN", "TN"} {
				checkProduct(t, rng, p, form, DType(rng.IntN(3)), m, n, k, rng.IntN(2) == 0)
			}
		}
	})
}

// checkProduct compares one product on random operands with a float64 one.
func checkProduct(t *testing.T, rng *rand.Rand, p *Pool, form string, dtype DType, m, n, k int, add bool) {
	t.Helper()
	c, a, b := randomOperands(rng, form, dtype, m, n, k)
	before := append([]float32(nil), c.F32...)
	name := fmt.Sprintf("%s %v m=%d n=%d k=%d add=%v", form, dtype, m, n, k, add)
	multiplyForm(p, form, c, a, b, add)
	x, y := operandOf(a, form == "TN"), operandOf(b, form != "NT")
	for i := range c.F32 {
		row, col := i/c.Stride, i%c.Stride
		if row >= m || col >= n {
			if c.F32[i] != before[i] {
				t.Fatalf("%s: wrote outside of c at %d,%d", name, row, col)
			}
			continue
		}
		var want, size float64
		if add {
			want, size = float64(before[i]), math.Abs(float64(before[i]))
		}
		for l := range k {
			v := float64(x.at(x.index(row, l))) * float64(y.at(y.index(col, l)))
			want += v
			size += math.Abs(v)
		}
		if d := math.Abs(float64(c.F32[i]) - want); !(d <= size*math.Sqrt(float64(k+1))*1e-7) {
			t.Fatalf("%s: c[%d,%d] = %v, want %v", name, row, col, c.F32[i], want)
		}
	}
}

func multiplyForm(p *Pool, form string, c, a, b Mat, add bool) {
	switch form {
	case "NT":
		p.GemmNT(c, a, b, add)
	case "NN":
		p.GemmNN(c, a, b, add)
	case "TN":
		p.GemmTN(c, a, b, add)
	}
}

// randomOperands makes c, a and b for a form, each with a stride of its own.
func randomOperands(rng *rand.Rand, form string, dtype DType, m, n, k int) (c, a, b Mat) {
	c, a, b = randomMat(rng, F32, m, n), randomMat(rng, F32, m, k), randomMat(rng, dtype, k, n)
	if form == "TN" {
		a = randomMat(rng, F32, k, m)
	}
	if form == "NT" {
		b = randomMat(rng, dtype, n, k)
	}
	return c, a, b
}

func randomMat(rng *rand.Rand, dtype DType, rows, cols int) Mat {
	m := Mat{Rows: rows, Cols: cols, Stride: cols + rng.IntN(5), DType: dtype}
	n := m.span()
	if dtype == F32 {
		m.F32 = make([]float32, n)
		for i := range m.F32 {
			m.F32[i] = float32(rng.NormFloat64())
		}
		return m
	}
	m.Raw = make([]byte, 2*n)
	for i := range n {
		// Exponents around that of one, any sign and fraction.
		h := uint16(rng.IntN(2))<<15 | uint16(12+rng.IntN(4))<<10 | uint16(rng.IntN(1024))
		if dtype == BF16 {
			h = uint16(rng.IntN(2))<<15 | uint16(124+rng.IntN(4))<<7 | uint16(rng.IntN(128))
		}
		m.Raw[2*i], m.Raw[2*i+1] = byte(h), byte(h>>8)
	}
	return m
}
