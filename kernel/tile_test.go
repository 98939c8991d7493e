package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// brainProduct computes the bits of one element of a product in bfloat16, as the package comment has them.
func brainProduct(x, y *operand, row, col, k int, c float32, add bool) float32 {
	round := func(v float32) float32 { return brainToFloat(floatToBrain(v)) }
	var sum float32
	for t0 := 0; t0 < k; t0 += tileDepth {
		var chains [2]float32
		for t := t0; t < min(t0+tileDepth, k); t++ {
			chains[t%2] += float32(round(x.at(x.index(row, t))) * round(y.at(y.index(col, t))))
		}
		sum += chains[0] + chains[1]
	}
	if add {
		sum += c
	}
	return sum
}

// brainPool is a pool whose products round their operands to bfloat16.
func brainPool(workers int) *Pool {
	p := NewPool(workers)
	p.Compute = BF16
	return p
}

// TestTileBits holds products in bfloat16 to the arithmetic in the package comment.
func TestTileBits(t *testing.T) {
	pool := brainPool(3)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if Name() != "amx" && Name() != "generic" {
			return // the same as generic
		}
		rng := rand.New(rand.NewPCG(3, 4))
		for trial := range 60 {
			m, n, k := rng.IntN(68), rng.IntN(68), rng.IntN(68)
			switch trial % 6 {
			case 0:
				k = 500 + rng.IntN(600)
			case 1:
				m = 1
			case 2:
				m = 100 + rng.IntN(100)
			}
			for _, form := range []string{"NT", "NN", "TN"} {
				checkTiles(t, rng, pool, form, DType(rng.IntN(3)), m, n, k, rng.IntN(2) == 0)
			}
		}
	})
}

// TestTileBlocks: sizes of more than one block in every direction.
func TestTileBlocks(t *testing.T) {
	pool := brainPool(2)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if Name() != "amx" {
			return
		}
		rng := rand.New(rand.NewPCG(5, 6))
		for _, form := range []string{"NT", "NN", "TN"} {
			checkTiles(t, rng, pool, form, BF16, 690, 530, 1100, true)
			checkTiles(t, rng, pool, form, F16, 70, 1400, 64, false)
			checkTiles(t, rng, pool, form, F32, 130, 700, 1100, false)
			checkTiles(t, rng, pool, form, F32, 530, 300, 700, true)
		}
	})
}

// TestTileStreams: sums that are written around the caches, to rows that are whole lines
// of one, are those of any other c, and nothing beside c is touched.
func TestTileStreams(t *testing.T) {
	const m, n, k, stride = 640, 500, 96, 512
	pool := brainPool(2)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if Name() != "amx" && Name() != "avx512" {
			return // they do not stream
		}
		rng := rand.New(rand.NewPCG(7, 8))
		for _, form := range []string{"NT", "NN", "TN"} {
			for _, dtype := range []DType{F32, BF16} {
				_, a, b := randomOperands(rng, form, dtype, m, n, k)
				want := F32Mat(make([]float32, m*(n+1)), m, n)
				want.Stride = n + 1 // no whole lines
				multiplyForm(pool, form, want, a, b, false)
				got := F32Mat(grow(nil, m*stride), m, n)
				got.Stride = stride
				fillNaN(got.F32)
				multiplyForm(pool, form, got, a, b, false)
				for i := range m {
					row := got.F32[i*stride : (i+1)*stride]
					if !slices.Equal(row[:n], want.F32[i*want.Stride:][:n]) {
						t.Fatalf("%s %v: row %d differs", form, dtype, i)
					}
					if j := slices.IndexFunc(row[n:], func(v float32) bool { return v == v }); j >= 0 {
						t.Fatalf("%s %v: row %d: element %d, beyond c, is %v", form, dtype, i, n+j, row[n+j])
					}
				}
			}
		}
	})
}

func fillNaN(s []float32) {
	for i := range s {
		s[i] = float32(math.NaN())
	}
}

func checkTiles(t *testing.T, rng *rand.Rand, p *Pool, form string, dtype DType, m, n, k int, add bool) {
	t.Helper()
	c, a, b := randomOperands(rng, form, dtype, m, n, k)
	before := slices.Clone(c.F32)
	multiplyForm(p, form, c, a, b, add)
	x, y := operandOf(a, form == "TN"), operandOf(b, form != "NT")
	step := 1 + len(c.F32)*k>>23 // of a big product, some elements stand for all
	for at := 0; at < len(c.F32); at += step {
		i, j := at/c.Stride, at%c.Stride
		want := before[at]
		if i < m && j < n {
			want = brainProduct(&x, &y, i, j, k, want, add)
		}
		if got := c.F32[at]; math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%s %v m=%d n=%d k=%d add=%v: c[%d,%d] = %b, want %b", form, dtype, m, n, k, add, i, j, got, want)
		}
	}
}
