package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
)

// TestHalvesExact decodes all 65,536 F16 and BF16 values and encodes them again.
func TestHalvesExact(t *testing.T) {
	src := make([]byte, 2<<16)
	for i := range 1 << 16 {
		binary.LittleEndian.PutUint16(src[2*i:], uint16(i))
	}
	decode := map[DType]func(uint16) float64{F16: halfValue, BF16: func(b uint16) float64 {
		return float64(math.Float32frombits(uint32(b) << 16))
	}}
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for d, value := range decode {
			x, back := make([]float32, 1<<16), make([]byte, 2<<16)
			ToF32(x, src, d)
			FromF32(back, x, d)
			for i, v := range x {
				want := value(uint16(i))
				if float64(v) != want && !(math.IsNaN(want) && v != v) || math.Signbit(want) != math.Signbit(float64(v)) {
					t.Fatalf("%v %#04x decodes to %v, want %v", d, i, v, want)
				}
				got := binary.LittleEndian.Uint16(back[2*i:])
				if got != quieted(d, uint16(i)) {
					t.Fatalf("%v %#04x comes back as %#04x", d, i, got)
				}
			}
		}
	})
}

// halfValue is the definition of IEEE 754 binary16.
func halfValue(h uint16) float64 {
	e, man := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(1+man/1024, e-15)
	switch {
	case e == 31 && man != 0:
		v = math.NaN()
	case e == 31:
		v = math.Inf(1)
	case e == 0:
		v = math.Ldexp(man/1024, -14)
	}
	if h>>15 != 0 {
		return math.Copysign(v, -1)
	}
	return math.Copysign(v, 1)
}

// quieted sets the quiet bit of a NaN.
func quieted(d DType, h uint16) uint16 {
	inf, bit := uint16(0x7c00), uint16(0x200)
	if d == BF16 {
		inf, bit = 0x7f80, 0x40
	}
	if h&0x7fff > inf {
		h |= bit
	}
	return h
}

// TestFromF32RoundsToEven checks ties, their neighbours and overflow around every 16-bit value.
func TestFromF32RoundsToEven(t *testing.T) {
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, d := range []DType{F16, BF16} {
			finite := uint16(0x7bff)
			if d == BF16 {
				finite = 0x7f7f
			}
			var xs []float32
			var want []uint16
			value := func(h uint16) float64 {
				if d == F16 {
					return halfValue(h)
				}
				return float64(math.Float32frombits(uint32(h) << 16))
			}
			for h := range finite {
				tie := float32((value(h) + value(h+1)) / 2) // exact but for the subnormals of BF16
				if d == BF16 {
					tie = math.Float32frombits(uint32(h)<<16 | 1<<15)
				}
				even := h + h&1
				xs = append(xs, tie, math.Nextafter32(tie, 0), math.Nextafter32(tie, inf), -tie)
				want = append(want, even, h, h+1, even|0x8000)
			}
			got := make([]byte, 2*len(xs))
			FromF32(got, xs, d)
			for i, x := range xs {
				if g := binary.LittleEndian.Uint16(got[2*i:]); g != want[i] {
					t.Fatalf("%v of %v (%#x) is %#04x, want %#04x", d, x, math.Float32bits(x), g, want[i])
				}
			}
		}
	})
}

func TestConvertBounds(t *testing.T) {
	floats, raw := newGuarded(t), newGuarded(t)
	cputest.TestAll(t, Impls, func(t *testing.T) {
		for _, d := range []DType{F16, BF16, F32, F64} {
			for n := range 68 {
				for _, atEnd := range []bool{false, true} {
					x, b := floats.floats(n, n%3, atEnd), raw.bytes(n*d.Size(), 1-n%2, atEnd)
					for i := range x {
						x[i] = float32(i) - 30
					}
					FromF32(b, x, d)
					clear(x)
					ToF32(x, b, d)
					for i, v := range x {
						if v != float32(i)-30 {
							t.Fatalf("%v, n = %d: [%d] = %v", d, n, i, v)
						}
					}
				}
			}
		}
	})
}

func TestConvertPanics(t *testing.T) {
	defer func() {
		if got, want := recover(), "kernel: ToF32: no conversion from I32"; got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	ToF32(make([]float32, 1), make([]byte, 4), I32)
}

func FuzzFromF32(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0xc0, 0x7f}, 17))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := floatsOf(data)
		for _, d := range []DType{F16, BF16} {
			got, want := make([]byte, 2*len(x)), make([]byte, 2*len(x))
			FromF32(got, x, d)
			withGeneric(func() { FromF32(want, x, d) })
			if !bytes.Equal(got, want) {
				t.Fatalf("%v of %v: %x, want %x", d, x, got, want)
			}
		}
	})
}

func FuzzExp(f *testing.F) {
	f.Add([]byte("\x00\x00\x80\x3f\x00\x00\x80\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := floatsOf(data)
		got, want := make([]float32, len(x)), make([]float32, len(x))
		Exp(got, x)
		withGeneric(func() { Exp(want, x) })
		expectClose(t, x, got, want)
	})
}

func FuzzSoftmax(f *testing.F) {
	f.Add([]byte("\x00\x00\x80\x3f\x00\x00\x80\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := floatsOf(data)
		got, want := make([]float32, len(x)), make([]float32, len(x))
		Softmax(got, x)
		withGeneric(func() { Softmax(want, x) })
		expectClose(t, x, got, want)
	})
}

func expectClose(t *testing.T, x, got, want []float32) {
	t.Helper()
	for i := range got {
		g, w := float64(got[i]), float64(want[i])
		if !same(got[i], want[i]) && !(math.Abs(g-w) <= 3e-7*w+1e-37) {
			t.Fatalf("of %v: [%d] = %v, want %v", x, i, g, w)
		}
	}
}

func floatsOf(data []byte) []float32 {
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

func withGeneric(f func()) {
	defer cputest.Only(Impls, -1)()
	f()
}
