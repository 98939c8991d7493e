package kernel

import "math"

// Softmax computes dst = e^(x-max)/Σe^(x-max) over one row. A row of nothing but -Inf gives NaN.
func Softmax(dst, x []float32) {
	match("Softmax", len(dst), len(x))
	m := finiteMax(maximum(x))
	scale(dst, dst, float32(1/softmaxWide(dst, x, m)))
}

// SoftmaxExp replaces x by e^(x-max) and returns the sum, as one block of a softmax
// computed block by block. Elements of -Inf become 0, also when max is -Inf.
func SoftmaxExp(x []float32, max float32) (sum float32) {
	return float32(softmaxWide(x, x, finiteMax(max)))
}

// LogSumExp returns log Σ eˣ; -Inf for an empty slice.
func LogSumExp(x []float32) float32 {
	m := maximum(x)
	if math.IsInf(float64(m), 1) {
		return m
	}
	m = finiteMax(m)
	var s float64
	for len(x) > 0 {
		n := min(len(x), reduceBlock)
		s += float64(sumExp(x[:n], m))
		x = x[n:]
	}
	return float32(float64(m) + math.Log(s))
}

// finiteMax replaces the maximum of fully masked rows, from which -Inf cannot be subtracted.
func finiteMax(m float32) float32 {
	if m < -math.MaxFloat32 {
		return 0
	}
	return m
}

func softmaxWide(dst, x []float32, m float32) float64 {
	var s float64
	for len(x) > 0 {
		n := min(len(x), reduceBlock)
		s += float64(softmaxExp(dst[:n], x[:n], m))
		dst, x = dst[n:], x[n:]
	}
	return s
}

// softmaxExpGeneric computes dst = e^(x-m) and returns Σ dst.
func softmaxExpGeneric(dst, x []float32, m float32) float32 {
	var l lanes
	for i, v := range x {
		e := exp32(v - m)
		dst[i] = e
		l[i%16] += e
	}
	return l.fold()
}

// sumExpGeneric returns Σ e^(x-m).
func sumExpGeneric(x []float32, m float32) float32 {
	var l lanes
	for i, v := range x {
		l[i%16] += exp32(v - m)
	}
	return l.fold()
}
