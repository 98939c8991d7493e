package kernel

import "math"

// reduceBlock is the longest run that is summed in float32.
const reduceBlock = 4096

// Dot returns Σ a·b; 0 for empty slices.
func Dot(a, b []float32) float32 {
	match("Dot", len(a), len(b))
	return float32(dotWide(a, b))
}

// Sum returns Σ x; 0 for an empty slice.
func Sum(x []float32) float32 { return float32(sumWide(x)) }

// Max returns the largest element, ignoring NaNs; -Inf for an empty slice.
func Max(x []float32) float32 { return maximum(x) }

// SumSquares returns Σ x². Squares are taken in float32: elements beyond 1.8e19 overflow to +Inf.
func SumSquares(x []float32) float64 { return dotWide(x, x) }

func dotWide(a, b []float32) float64 {
	if len(a) <= reduceBlock {
		return float64(dot(a, b))
	}
	var sum float64
	for len(a) > 0 {
		n := min(len(a), reduceBlock)
		sum += float64(dot(a[:n], b[:n]))
		a, b = a[n:], b[n:]
	}
	return sum
}

func sumWide(x []float32) float64 {
	var s float64
	for len(x) > 0 {
		n := min(len(x), reduceBlock)
		s += float64(sum(x[:n]))
		x = x[n:]
	}
	return s
}

// lanes are the partial sums of a reduction.
type lanes [64]float32

// fold adds the lanes up in the order of the assembly.
func (l *lanes) fold() float32 {
	for i := range 16 {
		l[i] = (l[i] + l[i+16]) + (l[i+32] + l[i+48])
	}
	for w := 8; w > 0; w /= 2 {
		for i := range w {
			l[i] += l[i+w]
		}
	}
	return l[0]
}

func dotGeneric(a, b []float32) float32 {
	var l lanes
	for ; len(a) >= len(l); a, b = a[len(l):], b[len(l):] {
		for i := range l {
			l[i] += a[i] * b[i]
		}
	}
	for i := range a {
		l[i%16] += a[i] * b[i]
	}
	return l.fold()
}

func sumGeneric(x []float32) float32 {
	var l lanes
	for ; len(x) >= len(l); x = x[len(l):] {
		for i := range l {
			l[i] += x[i]
		}
	}
	for i := range x {
		l[i%16] += x[i]
	}
	return l.fold()
}

// sumSquaredDiffGeneric returns Σ (x-mean)².
func sumSquaredDiffGeneric(x []float32, mean float32) float32 {
	var l lanes
	for ; len(x) >= len(l); x = x[len(l):] {
		for i := range l {
			d := x[i] - mean
			l[i] += d * d
		}
	}
	for i := range x {
		d := x[i] - mean
		l[i%16] += d * d
	}
	return l.fold()
}

// dotCenteredGeneric returns Σ dy·w·(x-mean).
func dotCenteredGeneric(dy, w, x []float32, mean float32) float32 {
	var l lanes
	for ; len(x) >= len(l); dy, w, x = dy[len(l):], w[len(l):], x[len(l):] {
		for i := range l {
			l[i] += dy[i] * w[i] * (x[i] - mean)
		}
	}
	for i := range x {
		l[i%16] += dy[i] * w[i] * (x[i] - mean)
	}
	return l.fold()
}

func maximumGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}
