package imageproc

import "math"

// Weights are fixed-point numbers with this many fractional bits: 32 bits less 8
// for the pixel and 2 for overshoot, as in Pillow's Resample.c.
const (
	weightBits = 22
	weightHalf = 1 << (weightBits - 1)
)

// span is the part of a source axis that one destination pixel reads: weights
// w for the source pixels from, from+1, …
type span struct {
	from int
	w    []int32
}

// spans returns the weights for the destination pixels [lo, hi) of an axis on
// which the interval [in0, in1) of n source pixels becomes out pixels.
func spans(n int, in0, in1 float64, out, lo, hi int, f Filter) []span {
	weight, radius := f.kernel()
	scale := (in1 - in0) / float64(out)
	stretch := max(scale, 1)
	support := float64(radius * stretch)
	shrink := 1 / stretch

	all := make([]span, hi-lo)
	var raw []float64
	for i := range all {
		center := in0 + float64((float64(lo+i)+0.5)*scale)
		from := min(max(int(center-support+0.5), 0), n-1)
		to := min(max(int(center+support+0.5), from+1), n)
		raw = raw[:0]
		sum := 0.0
		for x := from; x < to; x++ {
			v := weight((float64(x) - center + 0.5) * shrink)
			raw = append(raw, v)
			sum += v
		}
		all[i] = span{from, fixedPoint(raw, sum)}
	}
	return all
}

// fixedPoint returns the weights divided by their sum, rounded half away from zero.
func fixedPoint(raw []float64, sum float64) []int32 {
	w := make([]int32, len(raw))
	for i, v := range raw {
		if sum != 0 {
			v /= sum
		}
		v = float64(v * (1 << weightBits))
		w[i] = int32(math.Trunc(v + math.Copysign(0.5, v)))
	}
	return w
}
