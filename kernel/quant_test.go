package kernel

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

var quantised = []DType{Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, Q2_K, Q3_K, IQ4_NL}

// What ggml makes of the rows in testdata/quant, 12 of 512 columns: weights of
// stories260k, normal ones with and without outliers, zeros and constants, magnitudes
// that are denormal or infinite in 16 bits, one-sided and heavy-tailed ones. The file
// of a type holds the blocks of all rows; the same made with the importance of columns;
// blocks of 2,048 elements with random bits; and the float32 that the first four
// rows and the random blocks are decoded to. Made with ggml-quants.c of llama.cpp
// (llama-cpp-python 0.3.36), gcc -O1 -ffp-contract=off, called by ctypes: quantize_*
// and dequantize_row_*.
const (
	quantCols   = 512
	quantRows   = 12
	quantReal   = 4 * quantCols
	quantRandom = 2048
)

func readFloats(t *testing.T, name string) []float32 {
	t.Helper()
	return decodeF32(readFixture(t, name))
}

func decodeF32(b []byte) []float32 {
	f := make([]float32, len(b)/4)
	ToF32(f, b, F32)
	return f
}

func readFixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/quant/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// quantFixture is the file of one type.
type quantFixture struct {
	plain, weighted, random []byte
	decoded                 []float32
}

func readQuant(t testing.TB, d DType) (f quantFixture) {
	b := readFixture(t, d.String())
	cut := func(n int) []byte {
		part := b[:n]
		b = b[n:]
		return part
	}
	f.plain, f.weighted = cut(d.Bytes(quantRows*quantCols)), cut(d.Bytes(quantRows*quantCols))
	f.random = cut(d.Bytes(quantRandom))
	f.decoded = decodeF32(cut(4 * (quantReal + quantRandom)))
	if len(b) > 0 {
		t.Fatalf("%v: %d bytes too many", d, len(b))
	}
	return f
}

func TestDecodeAsGGML(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, d := range quantised {
			f := readQuant(t, d)
			got := make([]float32, quantReal+quantRandom)
			ToF32(got, slices.Concat(f.plain[:d.Bytes(quantReal)], f.random), d)
			compareBits(t, d, got, f.decoded)
		}
	})
}

// compareBits takes NaNs for equal, whatever their payload.
func compareBits(t *testing.T, d DType, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if math.Float32bits(got[i]) != math.Float32bits(w) && (got[i] == got[i] || w == w) {
			t.Errorf("%v: element %d is %g, want %g", d, i, got[i], w)
			return
		}
	}
}

// TestDecodeWithinGuards decodes any bits, NaN and infinite scales among them, between
// pages that fault, as the Go reference does.
func TestDecodeWithinGuards(t *testing.T) {
	gx, gy := newGuarded(t), newGuarded(t)
	cputest.TestAll(t, Impls, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, d := range quantised {
			elements, _ := d.Block()
			for blocks := range 17 {
				n := blocks * elements
				if n > 4096 {
					break
				}
				src, dst := gx.bytes(d.Bytes(n), 0, blocks%2 == 0), gy.floats(n, 0, blocks%2 == 0)
				for i := range src {
					src[i] = byte(rng.Uint32() | rng.Uint32()&rng.Uint32())
				}
				want := make([]float32, n)
				dequantizeGeneric(want, src, d)
				ToF32(dst, src, d)
				compareBits(t, d, dst, want)
			}
		}
	})
}

func TestQuantizeAsGGML(t *testing.T) {
	rows, importance := readFloats(t, "rows"), readFloats(t, "importance")
	for _, d := range quantised {
		f := readQuant(t, d)
		got := make([]byte, d.Bytes(len(rows)))
		FromF32(got, rows, d)
		compareBlocks(t, d, "plain", got, f.plain)
		size := d.Bytes(quantCols)
		for r := range quantRows {
			Quantize(got[r*size:(r+1)*size], rows[r*quantCols:(r+1)*quantCols], d, importance)
		}
		compareBlocks(t, d, "weighted", got, f.weighted)
	}
}

func compareBlocks(t *testing.T, d DType, how string, got, want []byte) {
	t.Helper()
	elements, size := d.Block()
	for i := 0; i < len(want); i += size {
		if g, w := got[i:i+size], want[i:i+size]; !bytes.Equal(g, w) {
			t.Errorf("%v, %s: block %d, row %d: % x, want % x", d, how, i/size, i/size*elements/quantCols, g, w)
			return
		}
	}
}

// TestQuantizeError: what is decoded is near what was encoded, and no farther in the
// columns that matter when importance says which.
func TestQuantizeError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for d, most := range map[DType]float64{
		Q8_0: 0.007, Q4_0: 0.11, Q4_1: 0.09, Q5_0: 0.055, Q5_1: 0.045, IQ4_NL: 0.09,
		Q4_K: 0.08, Q5_K: 0.04, Q6_K: 0.022, Q2_K: 0.35, Q3_K: 0.18,
	} {
		const n = 4096
		x, y, importance := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], importance[i] = float32(rng.NormFloat64()), 1
			if i%4 == 0 {
				importance[i] = 100
			}
		}
		raw := make([]byte, d.Bytes(n))
		relative := func(step int) float64 {
			var diff, size float64
			for i := 0; i < n; i += step {
				diff += math.Pow(float64(x[i]-y[i]), 2)
				size += math.Pow(float64(x[i]), 2)
			}
			return math.Sqrt(diff / size)
		}
		FromF32(raw, x, d)
		ToF32(y, raw, d)
		plain := relative(4)
		if e := relative(1); !(e <= most) {
			t.Errorf("%v: relative error %.4f, want at most %.4f", d, e, most)
		}
		Quantize(raw, x, d, importance)
		ToF32(y, raw, d)
		if e := relative(4); d != Q8_0 && !(e < plain) {
			t.Errorf("%v: relative error of the important columns %.4f, without importance %.4f", d, e, plain)
		}
	}
}

func TestDTypeBlocks(t *testing.T) {
	for d := range DType(len(dtypes)) {
		elements, size := d.Block()
		if got := d.Bytes(3 * elements); got != 3*size {
			t.Errorf("%v: %d bytes for 3 blocks, want %d", d, got, 3*size)
		}
		if got, err := ParseDType(d.String()); got != d || err != nil {
			t.Errorf("%v is parsed as %v, %v", d, got, err)
		}
		if d.Quantised() != slices.Contains(quantised, d) || d.Quantised() != (elements > 1) {
			t.Errorf("%v: quantised %v with blocks of %d", d, d.Quantised(), elements)
		}
	}
}

func TestQuantPanics(t *testing.T) {
	for want, f := range map[string]func(){
		"kernel: 33 elements of Q4_0, whose blocks have 32":    func() { ToF32(make([]float32, 33), make([]byte, 36), Q4_0) },
		"kernel: ToF32: lengths 144 and 143 differ":            func() { ToF32(make([]float32, 256), make([]byte, 143), Q4_K) },
		"kernel: Quantize: lengths 34 and 35 differ":           func() { Quantize(make([]byte, 35), make([]float32, 32), Q8_0, nil) },
		"kernel: Quantize: lengths 32 and 31 differ":           func() { Quantize(make([]byte, 34), make([]float32, 32), Q8_0, make([]float32, 31)) },
		"kernel: Quantize: BF16 is no quantised dtype":         func() { Quantize(make([]byte, 4), make([]float32, 2), BF16, nil) },
		"kernel: an element of Q6_K has no size of its own":    func() { Q6_K.Size() },
		"kernel: ToF32: no conversion from I8":                 func() { ToF32(make([]float32, 1), make([]byte, 1), I8) },
		"kernel: 100 elements of IQ4_NL, whose blocks have 32": func() { IQ4_NL.Bytes(100) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// FuzzDequantize decodes any bytes as blocks of each type, and encodes what comes out.
func FuzzDequantize(f *testing.F) {
	for _, b := range []byte{0, 0x7f, 0x80, 0xff} {
		f.Add(bytes.Repeat([]byte{b}, 300))
	}
	f.Add([]byte("a block has 18 to 210 bytes, so this is several of some types and none of others, whatever they say"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, d := range quantised {
			elements, size := d.Block()
			n := len(raw) / size
			guard := float32(42)
			x := slices.Repeat([]float32{guard}, n*elements+1)
			ToF32(x[:n*elements], raw[:n*size], d)
			if x[n*elements] != guard {
				t.Fatalf("%v: wrote behind %d elements", d, n*elements)
			}
			want := make([]float32, n*elements)
			dequantizeGeneric(want, raw[:n*size], d)
			compareBits(t, d, x, want)
			back := bytes.Repeat([]byte{42}, n*size+1)
			FromF32(back[:n*size], x[:n*elements], d)
			if back[n*size] != 42 {
				t.Fatalf("%v: wrote behind %d blocks", d, n)
			}
		}
	})
}
