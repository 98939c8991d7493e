package kernel

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
	try := lineLevels{x: x, cost: cost, top: top}
	inverse := float32(top) / (hi - lo)
	try.round(lo, inverse)
	copy(levels, try.levels[:len(x)])
	scale = 1 / inverse
	best := try.err(scale, lo, s.absolute)
	for i := range s.steps + 1 {
		try.round(lo, (s.first+float32(s.step*float32(i))+float32(top))/(hi-lo))
		sc, minimum, ok := try.line(sumW, sumX)
		if !ok {
			continue
		}
		if e := try.err(sc, minimum, s.absolute); e < best {
			copy(levels, try.levels[:len(x)])
			best, scale, lo = e, sc, minimum // the next candidates start from this minimum
		}
	}
	return scale, -lo
}

// lineLevels are levels of x, tried for x ≈ scale·level + minimum.
type lineLevels struct {
	x, cost []float32
	top     int
	levels  [legacy]byte
}

func (t *lineLevels) round(lo, inverse float32) {
	for i, v := range t.x {
		t.levels[i] = byte(max(0, min(t.top, nearest(inverse*(v-lo)))))
	}
}

// line is the least-squares fit, with a minimum of at most 0, given the sums of
// cost and of cost·x. Levels that are all the same have none.
func (t *lineLevels) line(sumW, sumX float32) (scale, minimum float32, ok bool) {
	var sumL, sumLL, sumXL float32
	for i, v := range t.x {
		l := float32(t.levels[i])
		wl := t.cost[i] * l
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
	for i, v := range t.x {
		d := float32(scale*float32(t.levels[i])) + minimum - v
		if absolute {
			d = abs(d)
		} else {
			d *= d
		}
		sum += float32(t.cost[i] * d)
	}
	return sum
}
