package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

var int8Types = []DType{Q8_0, Q4_0, Q4_K, Q5_K, Q6_K}

// int8Pool is a pool whose products by quantised weights round activations to 8 bits.
func int8Pool(workers int) *Pool {
	p := NewPool(workers)
	p.Compute = I8
	return p
}

// int8Product computes the bits of one element as the package comment has them, from
// the decoded weights' parts.
func int8Product(w []unpacked, kind int8Kind, x []float32) (sum, size float32) {
	for b := range len(x) / int8Block {
		block, u := x[b*int8Block:(b+1)*int8Block], &w[b]
		var most float32
		for _, v := range block {
			most = max(most, abs(v))
		}
		var inv float32
		if most > 0 {
			inv = 127 / most
		}
		scale := most / 127
		var dot, total [2]int64
		for t, v := range block {
			q, half := int64(math.RoundToEven(float64(float32(v*inv)))), 0
			if kind.pairs {
				half = t / 16
			}
			dot[half] += q * (int64(u.levels[t]) - int64(kind.zero))
			total[half] += q
		}
		size += abs(float32(dot[0]) * u.scale[0] * scale)
		sum = fma32(float32(dot[0]), u.scale[0]*scale, sum)
		if kind.pairs {
			size += abs(float32(dot[1]) * u.second[0] * scale)
			sum = fma32(float32(dot[1]), u.second[0]*scale, sum)
		}
		if kind.minima {
			size += abs(u.second[0] * float32(scale*float32(total[0])))
			sum = fma32(-u.second[0], float32(scale*float32(total[0])), sum)
		}
	}
	return sum, size
}

// parts takes a row of blocks apart, 32 elements each.
func parts(raw []byte, d DType) (all []unpacked) {
	elements, bytes := d.Block()
	for ; len(raw) > 0; raw = raw[bytes:] {
		var u unpacked
		u.unpack(raw[:bytes], d)
		for i := range elements / int8Block {
			var one unpacked
			copy(one.levels[:], u.levels[i*int8Block:(i+1)*int8Block])
			one.scale[0], one.second[0] = u.scale[i], u.second[i]
			all = append(all, one)
		}
	}
	return all
}

func TestUnpackedDecodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range int8Types {
		kind, _ := int8KindOf(d)
		m := randomBlocks(t, rng, d, 1, 4*superblock)
		want := decoded(m).F32
		for b, u := range parts(m.Raw[:d.Bytes(m.Cols)], d) {
			for i, l := range u.levels[:int8Block] {
				scale, minimum := u.scale[0], float32(0)
				if kind.pairs && i >= 16 {
					scale = u.second[0]
				}
				if kind.minima {
					minimum = u.second[0]
				}
				if got := float32(scale*float32(int32(l)-kind.zero)) - minimum; got != want[b*int8Block+i] {
					t.Fatalf("%v: element %d of block %d is %v, want %v", d, i, b, got, want[b*int8Block+i])
				}
			}
		}
	}
}

func TestInt8Bits(t *testing.T) {
	pool := int8Pool(3)
	defer pool.Close()
	cputest.TestAll(t, Impls, func(t *testing.T) {
		if !useVNNI() && Name() != "generic" {
			return // the same as generic
		}
		rng := rand.New(rand.NewPCG(3, 4))
		for _, d := range int8Types {
			for trial := range 8 {
				m, n, k := quantShape(rng, "NT", d)
				k = max(k, superblock)
				switch trial {
				case 0:
					m, n = 1, 100
				case 1:
					m, n, k = 3, 67, 5*superblock
				}
				checkInt8(t, rng, pool, d, m, n, k, trial%2 == 0)
			}
		}
	})
}

func checkInt8(t *testing.T, rng *rand.Rand, p *Pool, d DType, m, n, k int, add bool) {
	t.Helper()
	c, a, _ := randomOperands(rng, "NT", F32, m, n, k)
	b := randomBlocks(t, rng, d, n, k)
	kind, _ := int8KindOf(d)
	before := slices.Clone(c.F32)
	p.GemmNT(c, a, b, add)
	for j := range n {
		at := d.Bytes(j * b.Stride)
		w := parts(b.Raw[at:at+d.Bytes(k)], d)
		for i := range m {
			want, size := int8Product(w, kind, a.F32[i*a.Stride:][:k])
			if add {
				want += before[i*c.Stride+j]
			}
			got := c.F32[i*c.Stride+j]
			exact := math.Float32bits(got) == math.Float32bits(want)
			if useVNNI() && !exact || abs(got-want) > 1e-6*(size+abs(want)) {
				t.Fatalf("%v m=%d n=%d k=%d add=%v: c[%d,%d] = %b, want %b", d, m, n, k, add, i, j, got, want)
			}
		}
	}
}

// TestInt8SameBits: neither workers nor other rows change an element.
func TestInt8SameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, d := range int8Types {
		const m, n, k = 21, 90, 3 * superblock
		a, b := randomMat(rng, F32, m, k), randomBlocks(t, rng, d, n, k)
		want := make([]float32, m*n)
		int8Pool(1).GemmNT(F32Mat(want, m, n), a, b, false)
		for _, workers := range []int{2, 5} {
			got, p := make([]float32, m*n), int8Pool(workers)
			p.GemmNT(F32Mat(got, m, n), a, b, false)
			p.Close()
			if !slices.Equal(got, want) {
				t.Errorf("%v: %d workers change the product", d, workers)
			}
		}
		row := make([]float32, n)
		for i := range m {
			one := Mat{Rows: 1, Cols: k, Stride: k, F32: a.F32[i*a.Stride:]}
			int8Pool(1).GemmNT(F32Mat(row, 1, n), one, b, false)
			if !slices.Equal(row, want[i*n:(i+1)*n]) {
				t.Errorf("%v: row %d alone has another product", d, i)
			}
		}
	}
}

func TestInt8Bias(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, dtype := range []DType{F32, Q8_0} {
		b := randomMat(rng, F32, 20, 64)
		if dtype == Q8_0 {
			b = randomBlocks(t, rng, dtype, 20, 64)
		}
		a, bias := randomMat(rng, F32, 5, 64), randomMat(rng, F32, 1, 20).F32
		for _, compute := range []DType{BF16, I8} {
			p := NewPool(1)
			p.Compute = compute
			got, want := make([]float32, 100), make([]float32, 100)
			p.GemmNT(F32Mat(want, 5, 20), a, b, false)
			p.Linear(F32Mat(got, 5, 20), a, b, bias)
			for i, v := range want {
				v += bias[i%20]
				if p.road(&operand{dtype: dtype}) == F32 {
					continue // begins with the bias
				}
				if got[i] != v {
					t.Fatalf("%v by %v: element %d is %v, want %v", compute, dtype, i, got[i], v)
				}
			}
		}
	}
}

// TestInt8NaN: what is no number shows in the product.
func TestInt8NaN(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		b := randomBlocks(t, rng, Q8_0, 5, 64)
		a := randomMat(rng, F32, 2, 64)
		a.F32[a.Stride+40] = float32(math.NaN())
		c := make([]float32, 10)
		int8Pool(1).GemmNT(F32Mat(c, 2, 5), a, b, false)
		for i, v := range c {
			if (v != v) != (i >= 5) {
				t.Errorf("element %d is %v", i, v)
			}
		}
	})
}

// BenchmarkInt8 multiplies one row and many.
func BenchmarkInt8(b *testing.B) {
	for workers := 1; workers <= 2; workers++ {
		roof := ReadBandwidth(workers)
		for _, dtype := range int8Types {
			for _, shape := range [][3]int{{1, 16384, 4096}, {512, 4096, 4096}} {
				m, n, k := shape[0], shape[1], shape[2]
				b.Run(fmt.Sprintf("%v_%dx%dx%d/workers=%d", dtype, m, n, k, workers), func(b *testing.B) {
					benchProduct(b, I8, workers, "NT", dtype, m, n, k)
					gbps := float64(dtype.Bytes(n*k)) * float64(b.N) / b.Elapsed().Seconds() / 1e9
					b.ReportMetric(gbps, "GB/s")
					b.ReportMetric(100*gbps/roof, "%roof")
					b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
				})
			}
		}
	}
}
