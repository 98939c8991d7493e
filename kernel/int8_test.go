package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// int8Pool is a pool whose products by quantised weights round activations to 8 bits.
func int8Pool(workers int) *Pool {
	p := NewPool(workers)
	p.Compute = I8
	return p
}

// testInt8 runs a test with each implementation of products in 8 bits.
func testInt8(t *testing.T, f func(t *testing.T)) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		f(t)
		for _, name := range int8Switches() {
			t.Run("without "+name, func(t *testing.T) {
				defer switchOff(name)()
				f(t)
			})
		}
	})
}

// int8Product computes the bits of one element as the package comment has them, from
// the parts of the weights' blocks, each of some elements of k.
func int8Product(w []unpacked, kind int8Kind, x []float32) (sum float32) {
	for b := range len(x) / int8Block {
		block := x[b*int8Block : (b+1)*int8Block]
		var most float32
		for _, v := range block {
			most = max(most, abs(v))
		}
		scale := most / 127
		size := kind.elements()
		for part := range int8Block / size {
			u := &w[b*int8Block/size+part]
			var dot, total [2]int64
			for t, v := range block[part*size : (part+1)*size] {
				q, half := int64(math.RoundToEven(float64(v*(127/most)))), 0
				if kind.pairs {
					half = t / 16
				}
				dot[half] += q * (int64(u.levels[t]) - int64(kind.zero))
				total[half] += q
			}
			sum = fma32(float32(dot[0]), u.scale[0]*scale, sum)
			if kind.pairs {
				sum = fma32(float32(dot[1]), u.second[0]*scale, sum)
			}
			if kind.minima {
				sum = fma32(-u.second[0], scale*float32(total[0]), sum)
			}
		}
	}
	return sum
}

// parts takes a row of blocks apart, into those of levels.
func parts(raw []byte, d DType) (all []unpacked) {
	kind, _ := int8KindOf(d)
	elements, bytes := d.Block()
	for ; len(raw) > 0; raw = raw[bytes:] {
		var u unpacked
		u.unpack(raw[:bytes], d)
		for i := range elements / kind.elements() {
			var one unpacked
			copy(one.levels[:], u.levels[i*kind.elements():(i+1)*kind.elements()])
			one.scale[0], one.second[0] = u.scale[i], u.second[i]
			all = append(all, one)
		}
	}
	return all
}

func TestUnpackedDecodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range quantised {
		kind, _ := int8KindOf(d)
		m := randomBlocks(t, rng, d, 1, 4*superblock)
		want := decoded(m).F32
		for b, u := range parts(m.Raw[:d.Bytes(m.Cols)], d) {
			for i, l := range u.levels[:kind.elements()] {
				scale, minimum := u.scale[0], float32(0)
				if kind.pairs && i >= 16 {
					scale = u.second[0]
				}
				if kind.minima {
					minimum = u.second[0]
				}
				if got := float32(scale*float32(int32(l)-kind.zero)) - minimum; got != want[b*kind.elements()+i] {
					t.Fatalf("%v: element %d of block %d is %v, want %v", d, i, b, got, want[b*kind.elements()+i])
				}
			}
		}
	}
}

// TestInt8Bits holds every implementation, the Go reference among them, to the arithmetic
// in the package comment.
func TestInt8Bits(t *testing.T) {
	pool := int8Pool(3)
	defer pool.Close()
	testInt8(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, d := range quantised {
			for trial := range 8 {
				m, n, k := quantShape(rng, "NT", d)
				checkInt8(t, rng, pool, d, m, n, k, trial%2 == 0)
			}
			checkInt8(t, rng, pool, d, 1, 100, superblock, true)
			checkInt8(t, rng, pool, d, 3, 67, 5*superblock, false)
		}
		checkInt8(t, rng, pool, Q4_0, 150, 40, 2304, true) // in parts along k, and of the rows
	})
}

// TestInt8Shapes goes through the small ones.
func TestInt8Shapes(t *testing.T) {
	pool := int8Pool(1)
	testInt8(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 14))
		for size := range 68 {
			d := quantised[size%len(quantised)]
			elements, _ := d.Block()
			checkInt8(t, rng, pool, d, size, 1+rng.IntN(20), elements, false)
			checkInt8(t, rng, pool, d, 1+rng.IntN(10), size, 2*elements, true)
			checkInt8(t, rng, pool, Q8_0, 1+rng.IntN(5), 3, size*legacy, false)
		}
	})
}

func checkInt8(t *testing.T, rng *rand.Rand, p *Pool, d DType, m, n, k int, add bool) {
	t.Helper()
	c, a, _ := randomOperands(rng, "NT", F32, m, n, k)
	b := randomBlocks(t, rng, d, n, k)
	compareInt8(t, p, c, a, b, add)
}

func compareInt8(t *testing.T, p *Pool, c, a, b Mat, add bool) {
	t.Helper()
	d, k := b.DType, b.Cols
	kind, _ := int8KindOf(d)
	before := slices.Clone(c.F32)
	p.GemmNT(c, a, b, add)
	for j := range c.Cols {
		var w []unpacked
		if at := d.Bytes(j * b.Stride); k > 0 {
			w = parts(b.Raw[at:at+d.Bytes(k)], d)
		}
		for i := range c.Rows {
			want := int8Product(w, kind, a.F32[min(i*a.Stride, len(a.F32)-k):][:k])
			if add {
				want += before[i*c.Stride+j]
			}
			if got := c.F32[i*c.Stride+j]; math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%v m=%d n=%d k=%d add=%v: c[%d,%d] = %b, want %b", d, c.Rows, c.Cols, k, add, i, j, got, want)
			}
		}
	}
}

// TestInt8Rounding compares the rounding of activations, of extreme ones too.
func TestInt8Rounding(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	x := randomMat(rng, F32, 1, 20*int8Block).F32
	for b, v := range []float32{0, 1e-45, 1e-38, 3e-37, 1e-20, math.MaxFloat32} {
		for i := range int8Block {
			x[b*int8Block+i] = v * (1 - float32(i)/16)
		}
	}
	for i := range int8Block { // ties
		x[6*int8Block+i] = float32(i) - 15.5
	}
	x[6*int8Block] = 127
	want, meta := make([]int8Input, 20), make([]int8Meta, 20)
	int8RoundGeneric(want, 1, meta, 2, x)
	cputest.TestAll(t, Impls, func(t *testing.T) {
		got, m := make([]int8Input, 20), make([]int8Meta, 20)
		int8Round(got, 1, m, 2, x)
		for b := range got {
			if got[b] != want[b] || m[b] != meta[b] {
				t.Errorf("block %d: %v, %v, want %v, %v", b, got[b], m[b], want[b], meta[b])
			}
		}
	})
}

// TestInt8WithinGuards puts activations and blocks against pages that fault.
func TestInt8WithinGuards(t *testing.T) {
	gc, ga, gb := newGuarded(t), newGuarded(t), newGuarded(t)
	pool := int8Pool(1)
	testInt8(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(17, 18))
		for trial := range 8 * len(quantised) {
			d, atEnd := quantised[trial%len(quantised)], trial/len(quantised)%2 == 0
			m, n, k := quantShape(rng, "NT", d)
			k = min(k, 2*superblock)
			n = min(n, 4096/(k+superblock))
			m = min(m, 4096/(max(k, n)+superblock))
			c, a, _ := randomOperands(rng, "NT", F32, m, n, k)
			b := randomBlocks(t, rng, d, n, k)
			x := ga.floats(len(a.F32), 0, atEnd)
			copy(x, a.F32)
			a.F32, c.F32 = x, gc.floats(len(c.F32), 0, atEnd)
			raw := gb.bytes(len(b.Raw), 0, atEnd)
			copy(raw, b.Raw)
			b.Raw = raw
			compareInt8(t, pool, c, a, b, false)
		}
	})
}

// FuzzInt8 compares all implementations on blocks of any bits.
func FuzzInt8(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{0x3c, 0x80, 0x3f}, uint8(0), uint8(3))
	f.Fuzz(func(t *testing.T, weights, x []byte, dtype, rows uint8) {
		const n, k = 17, superblock
		d, m := quantised[int(dtype)%len(quantised)], int(rows)%20+1
		b := Mat{Rows: n, Cols: k, Stride: k, DType: d, Raw: make([]byte, d.Bytes(n*k))}
		a := F32Mat(make([]float32, m*k), m, k)
		if len(weights) == 0 || len(x) == 0 {
			return
		}
		for i := range b.Raw {
			b.Raw[i] = weights[i%len(weights)] + byte(i/len(weights))
		}
		for i := range a.F32 {
			a.F32[i] = float32(int8(x[i%len(x)])) * float32(1+i/len(x))
		}
		var first []float32
		testInt8(t, func(t *testing.T) {
			c := F32Mat(make([]float32, m*n), m, n)
			int8Pool(1).GemmNT(c, a, b, false)
			if first == nil {
				first = c.F32
			}
			for i, v := range c.F32 {
				if w := first[i]; v != w && (v == v || w == w) {
					t.Fatalf("%v m=%d: element %d is %v, elsewhere %v", d, m, i, v, w)
				}
			}
		})
	})
}

// TestInt8SameBits: neither workers nor other rows change an element.
func TestInt8SameBits(t *testing.T) {
	testInt8(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, d := range quantised {
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
	})
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

// TestInt8NaN: what is no number, or none that is finite, shows in the product.
func TestInt8NaN(t *testing.T) {
	testInt8(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			b := randomBlocks(t, rng, Q8_0, 5, 64)
			a := randomMat(rng, F32, 2, 64)
			a.F32[a.Stride+40] = float32(v)
			c := make([]float32, 10)
			int8Pool(1).GemmNT(F32Mat(c, 2, 5), a, b, false)
			for i, v := range c {
				if (v != v) != (i >= 5) {
					t.Errorf("element %d is %v", i, v)
				}
			}
		}
	})
}

// BenchmarkInt8 multiplies one row and many.
func BenchmarkInt8(b *testing.B) {
	for workers := 1; workers <= 2; workers++ {
		roof := ReadBandwidth(workers)
		for _, dtype := range quantised {
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
