package kernel

// The element-wise kernels compute every element by the same sequence of
// float32 operations in every assembly implementation, so that their results do
// not depend on the instruction set to the bit. Reductions keep 16 or 64 partial
// sums (element i goes to lane i mod 16 or i mod 64), fold them in a fixed tree,
// and add up blocks of 4,096 elements in float64. The Go reference has the same
// polynomials and the same order, but rounds a product before it is added where
// the assembly fuses the two.
//
// Slices of one call have equal lengths, or the call panics. A destination may
// be the same slice as a source; it must not overlap one in any other way.

import "strconv"

// Add computes dst = a + b.
func Add(dst, a, b []float32) {
	match("Add", len(dst), len(a), len(b))
	add(dst, a, b)
}

// Mul computes dst = a · b, element by element.
func Mul(dst, a, b []float32) {
	match("Mul", len(dst), len(a), len(b))
	mul(dst, a, b)
}

// MulAdd computes dst += a · b, element by element.
func MulAdd(dst, a, b []float32) {
	match("MulAdd", len(dst), len(a), len(b))
	mulAdd(dst, a, b)
}

// Scale computes dst = s·a.
func Scale(dst, a []float32, s float32) {
	match("Scale", len(dst), len(a))
	scale(dst, a, s)
}

// Axpy computes dst += a·x.
func Axpy(dst []float32, a float32, x []float32) {
	match("Axpy", len(dst), len(x))
	axpy(dst, x, a)
}

// AddTo computes dst += x.
func AddTo(dst, x []float32) {
	match("AddTo", len(dst), len(x))
	axpy(dst, x, 1)
}

// match panics unless all lengths are n.
func match(op string, n int, lengths ...int) {
	for _, m := range lengths {
		if m != n {
			panic(mismatch(op, n, m))
		}
	}
}

func mismatch(op string, n, m int) string {
	return "kernel: " + op + ": lengths " + strconv.Itoa(n) + " and " + strconv.Itoa(m) + " differ"
}

func addGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func mulAddGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func scaleGeneric(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = s * a[i]
	}
}

func axpyGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] += a * x[i]
	}
}
