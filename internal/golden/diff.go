package golden

import (
	"fmt"
	"math"
)

// Diff says how far a result is from the expected one.
type Diff struct {
	MaxAbs float64 // largest difference of two elements; +Inf if an element is not finite or the lengths differ
	MaxRel float64 // MaxAbs relative to Scale
	Scale  float64 // largest magnitude of the expected elements
	At     int     // index of the element behind MaxAbs; -1 if all are equal or the lengths differ
}

// Compare measures got against want. Elements that are NaN or infinite are
// never close to anything, not even to themselves.
func Compare(got, want []float32) Diff {
	if len(got) != len(want) {
		return Diff{MaxAbs: math.Inf(1), MaxRel: math.Inf(1), At: -1}
	}
	d := Diff{At: -1}
	for i, w := range want {
		d.Scale = max(d.Scale, math.Abs(float64(w)))
		abs := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(abs) { // NaN, or the difference of two infinities
			abs = math.Inf(1)
		}
		if abs > d.MaxAbs {
			d.MaxAbs, d.At = abs, i
		}
	}
	switch {
	case d.MaxAbs == 0:
	case d.Scale == 0 || math.IsInf(d.MaxAbs, 0):
		d.MaxRel = math.Inf(1)
	default:
		d.MaxRel = d.MaxAbs / d.Scale
	}
	return d
}

// Within reports whether no element is further away than tolerance times the
// largest magnitude expected.
func (d Diff) Within(tolerance float64) bool { return d.MaxRel <= tolerance }

// String shows the differences and where the largest is.
func (d Diff) String() string {
	if d.At < 0 && d.MaxAbs > 0 {
		return "lengths differ"
	}
	return fmt.Sprintf("max abs %.2g, rel %.2g (of %.3g) at %d", d.MaxAbs, d.MaxRel, d.Scale, d.At)
}

// FirstDifference is the index at which two lists of ids part, or -1 if they are equal.
func FirstDifference[E comparable](got, want []E) int {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return i
		}
	}
	if len(got) != len(want) {
		return min(len(got), len(want))
	}
	return -1
}
