package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// randomBlocks is a matrix of a quantised dtype, with a stride of its own, whose
// blocks are those with random bits of the fixture.
func randomBlocks(t testing.TB, rng *rand.Rand, d DType, rows, cols int) Mat {
	t.Helper()
	elements, size := d.Block()
	m := Mat{Rows: rows, Cols: cols, Stride: cols + rng.IntN(2)*elements, DType: d}
	blocks := readQuant(t, d).random
	for range m.span() / elements {
		at := rng.IntN(quantRandom/elements) * size
		m.Raw = append(m.Raw, blocks[at:at+size]...)
	}
	return m
}

// decoded is the same matrix as float32.
func decoded(m Mat) Mat {
	d := Mat{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, F32: make([]float32, m.span())}
	ToF32(d.F32, m.Raw[:m.DType.Bytes(m.span())], m.DType)
	return d
}

// quantShape draws a shape whose b has rows of whole blocks.
func quantShape(rng *rand.Rand, form string, d DType) (m, n, k int) {
	elements, _ := d.Block()
	m, n, k = rng.IntN(68), rng.IntN(68), rng.IntN(68)
	blocks := rng.IntN(3) + rng.IntN(2)*rng.IntN(600)/elements
	if form == "NT" {
		return m, n, blocks * elements
	}
	return m, blocks * elements, k
}

// TestGemmQuantised: a product with blocks equals the one with what they stand for.
func TestGemmQuantised(t *testing.T) {
	for _, compute := range []DType{F32, BF16} {
		t.Run(compute.String(), func(t *testing.T) { testQuantised(t, compute) })
	}
}

func testQuantised(t *testing.T, compute DType) {
	pool := NewPool(3)
	pool.Compute = compute
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, d := range quantised {
			for _, form := range []string{"NT", "NN", "TN"} {
				for trial := range 8 {
					m, n, k := quantShape(rng, form, d)
					if trial%4 == 0 {
						m = 1
					}
					checkQuantised(t, rng, pool, form, d, m, n, k, trial%2 == 0)
				}
			}
		}
		for _, d := range quantised {
			elements, _ := d.Block()
			for _, add := range []bool{false, true} {
				checkQuantised(t, rng, pool, "NT", d, 1, 71, 2*superblock+3*elements, add)
			}
		}
		checkQuantised(t, rng, pool, "NT", Q8_0, 130, 90, 9*legacy, false)
		checkQuantised(t, rng, pool, "NN", Q6_K, 90, 2*blockN+superblock, 5, true)
		if compute == BF16 && Name() == "amx" { // columns of more than one pass: the gradient behind a large head
			checkQuantised(t, rng, pool, "NN", Q6_K, 2, 4*superblock, tilePassBytes/(2*3*superblock), false)
		}
	})
}

func checkQuantised(t *testing.T, rng *rand.Rand, p *Pool, form string, d DType, m, n, k int, add bool) {
	t.Helper()
	serial := NewPool(1)
	serial.Compute = p.Compute
	c, a, _ := randomOperands(rng, form, F32, m, n, k)
	b := randomBlocks(t, rng, d, k, n)
	if form == "NT" {
		b = randomBlocks(t, rng, d, n, k)
	}
	want := c
	want.F32 = slices.Clone(c.F32)
	multiplyForm(serial, form, want, a, decoded(b), add)
	alone := c
	alone.F32 = slices.Clone(c.F32)
	multiplyForm(p, form, c, a, b, add)
	name := fmt.Sprintf("%s %v m=%d n=%d k=%d add=%v", form, d, m, n, k, add)
	if !slices.Equal(c.F32, want.F32) {
		t.Errorf("%s: not the product with the decoded matrix", name)
	}
	if m == 0 || n == 0 || k == 0 || form == "TN" {
		return
	}
	// The last row alone, on one worker.
	one, last := alone, a
	one.Rows, last.Rows = 1, 1
	one.F32, last.F32 = alone.F32[(m-1)*c.Stride:], a.F32[(m-1)*a.Stride:]
	multiplyForm(serial, form, one, last, b, add)
	if !slices.Equal(one.F32, c.F32[(m-1)*c.Stride:]) {
		t.Errorf("%s: a row alone has another product", name)
	}
}

// TestGemmQuantisedWithinGuards puts the blocks against a page that faults.
func TestGemmQuantisedWithinGuards(t *testing.T) {
	g := newGuarded(t)
	brains := brainPool(1)
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 14))
		for trial := range 132 {
			d, form := quantised[trial%len(quantised)], []string{"NT", "NN"}[trial/11%2]
			m, n, k := quantShape(rng, form, d)
			elements, _ := d.Block()
			if form == "NT" {
				k = min(k, 2*superblock)
				n = min(n, 4096/(k+elements))
			} else {
				n = min(n, 2*superblock)
				k = min(k, 4096/(n+elements))
			}
			if trial%3 == 0 {
				m = 1
			}
			c, a, _ := randomOperands(rng, form, F32, m, n, k)
			b := randomBlocks(t, rng, d, k, n)
			if form == "NT" {
				b = randomBlocks(t, rng, d, n, k)
			}
			raw := g.bytes(len(b.Raw), 0, trial/22%2 == 0)
			copy(raw, b.Raw)
			b.Raw = raw
			multiplyForm(nil, form, c, a, b, false)
			multiplyForm(brains, form, c, a, b, false)
		}
	})
}

func TestGemmQuantisedPanics(t *testing.T) {
	f := func(rows, cols int) Mat { return F32Mat(make([]float32, rows*cols), rows, cols) }
	for _, c := range []struct {
		want string
		k    int
		b    Mat
	}{
		{"kernel: GemmNT: b 4×48 with stride 64 is no whole number of Q4_0's blocks of 32", 48,
			Mat{Rows: 4, Cols: 48, Stride: 64, DType: Q4_0, Raw: make([]byte, 500)}},
		{"kernel: GemmNT: b 4×64 with stride 72 is no whole number of Q8_0's blocks of 32", 64,
			Mat{Rows: 4, Cols: 64, Stride: 72, DType: Q8_0, Raw: make([]byte, 500)}},
		{"kernel: GemmNT: b 4×256 with stride 256 needs 1024 elements, has 768", 256,
			Mat{Rows: 4, Cols: 256, Stride: 256, DType: Q4_K, Raw: make([]byte, 575)}},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != c.want {
					t.Errorf("panic %q, want %q", got, c.want)
				}
			}()
			multiplyForm(nil, "NT", f(3, 4), f(3, c.k), c.b, false)
		}()
	}
}
