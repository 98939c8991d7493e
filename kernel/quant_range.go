package kernel

import "math"

// A rangeSearch looks for a scale and a minimum: it widens or narrows the levels
// from first in so many steps, and fits a line to the levels of each.
type rangeSearch struct {
	first, step float32
	steps       int
	absolute    bool // the error is |d|, not d²
}

// affine chooses levels 0 to top for x ≈ scale·level - minus, with minus not negative.
func (s rangeSearch) affine(levels []byte, x, cost []float32, top int) (scale, minus float32) {
	lo, hi := x[0], x[0]
	var sumW, sumX float32
	for i, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		sumW += cost[i]
		sumX += float32(cost[i] * v)
	}
	if lo > 0 {
		lo = 0
	}
	if hi == lo {
		clear(levels)
		return 0, -lo
	}
	try := lineLevels{x: x, cost: cost[:len(x)], top: float32(top)}
	try.round(lo, float32(top)/(hi-lo))
	best := try.levels
	scale = 1 / (float32(top) / (hi - lo))
	least := try.err(scale, lo, s.absolute)
	for i := range s.steps + 1 {
		try.round(lo, (s.first+float32(s.step*float32(i))+float32(top))/(hi-lo))
		sc, minimum, ok := try.line(sumW, sumX)
		if !ok {
			continue
		}
		if e := try.err(sc, minimum, s.absolute); e < least {
			least, best = e, try.levels
			scale, lo = sc, minimum // the next candidates start from this minimum
		}
	}
	for i := range levels {
		levels[i] = byte(best[i])
	}
	return scale, -lo
}

// lineLevels are levels of x, tried for x ≈ scale·level + minimum.
type lineLevels struct {
	x, cost []float32
	top     float32
	levels  [legacy]float32
}

func (t *lineLevels) round(lo, inverse float32) {
	const whole = 0x1.8p23 // added, it leaves no room for a fraction
	levels := t.levels[:len(t.x)]
	if inverse > math.MaxFloat32 { // ggml's rounding makes zeros of what is infinite
		clear(levels)
		return
	}
	for i, v := range t.x {
		l := float32(inverse*(v-lo)) + whole - whole
		if !(l > 0) {
			l = 0
		} else if l > t.top {
			l = t.top
		}
		levels[i] = l
	}
}

// line is the least-squares fit, with a minimum of at most 0, given the sums of
// cost and of cost·x. Levels that are all the same have none.
func (t *lineLevels) line(sumW, sumX float32) (scale, minimum float32, ok bool) {
	var sumL, sumLL, sumXL float32
	levels, cost := t.levels[:len(t.x)], t.cost[:len(t.x)]
	for i, v := range t.x {
		l := levels[i]
		wl := cost[i] * l
		sumL += float32(wl)
		sumLL += float32(wl * l)
		sumXL += float32(wl * v)
	}
	det := float32(sumW*sumLL) - float32(sumL*sumL)
	if !(det > 0) {
		return 0, 0, false
	}
	scale = (float32(sumW*sumXL) - float32(sumX*sumL)) / det
	minimum = (float32(sumLL*sumX) - float32(sumL*sumXL)) / det
	if minimum > 0 {
		return sumXL / sumLL, 0, true
	}
	return scale, minimum, true
}

func (t *lineLevels) err(scale, minimum float32, absolute bool) (sum float32) {
	levels, cost := t.levels[:len(t.x)], t.cost[:len(t.x)]
	if absolute {
		for i, v := range t.x {
			sum += float32(cost[i] * abs(float32(scale*levels[i])+minimum-v))
		}
		return sum
	}
	for i, v := range t.x {
		d := float32(scale*levels[i]) + minimum - v
		sum += float32(cost[i] * float32(d*d))
	}
	return sum
}
