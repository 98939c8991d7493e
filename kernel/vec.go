package kernel

//go:generate go run -C _asm ./vec

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
