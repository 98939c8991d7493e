package kernel

// How scales, minima and levels are searched for when a block is encoded. Each
// candidate is an inverse scale; what counts is the squared error, weighted by cost.

// negligible is below all values that are told from zero.
const negligible = 1e-15

// searchScale chooses levels 0 to 2·zero-1 and returns the scale of level-zero. The
// candidates take the extreme of x to about the lowest level; the scale is then the
// least-squares fit to the levels.
func searchScale(levels []byte, x, cost []float32, zero int) (scale float32) {
	peak := extreme(x)
	if abs(peak) < negligible {
		clear(levels)
		return 0
	}
	inverse := float32(-zero) / peak
	xl, ll := fitScale(x, cost, inverse, zero)
	if ll != 0 {
		scale = xl / ll
	}
	best := scale * xl
	for step := -9; step <= 9; step++ {
		if step == 0 {
			continue
		}
		try := -(float32(zero) + float32(0.1*float32(step))) / peak
		if xl, ll = fitScale(x, cost, try, zero); ll > 0 && xl*xl > best*ll {
			inverse, scale = try, xl/ll
			best = scale * xl
		}
	}
	for i, v := range x {
		levels[i] = byte(signedLevel(inverse*v, zero) + zero)
	}
	return scale
}

func signedLevel(v float32, zero int) int { return max(-zero, min(zero-1, nearest(v))) }

// fitScale returns Σ cost·x·l and Σ cost·l² for the levels l of an inverse scale.
func fitScale(x, cost []float32, inverse float32, zero int) (xl, ll float32) {
	for i, v := range x {
		l := float32(signedLevel(inverse*v, zero))
		xl += float32(cost[i] * v * l)
		ll += float32(cost[i] * l * l)
	}
	return xl, ll
}

// descendScale chooses levels -zero to zero-1, stored as bytes with zero added,
// and returns their scale: from the levels of the extreme's scale on, each in turn
// takes its best value given the others, a few times over.
func descendScale(levels []byte, x, cost []float32, zero int) (scale float32) {
	peak := extreme(x)
	if abs(peak) < negligible {
		clear(levels)
		return 0
	}
	inverse := float32(-zero) / peak
	for i, v := range x {
		levels[i] = byte(signedLevel(inverse*v, zero) + zero)
	}
	xl, ll := fitScale(x, cost, inverse, zero)
	for changed, round := true, 0; changed && round < 5; round++ {
		changed = false
		for i, v := range x {
			l := float32(int(levels[i]) - zero)
			restXL := xl - float32(cost[i]*v*l)
			if !(restXL > 0) {
				continue
			}
			restLL := ll - float32(cost[i]*l*l)
			next := signedLevel(v*restLL/restXL, zero)
			if float32(next) == l {
				continue
			}
			restXL += float32(cost[i] * v * float32(next))
			restLL += float32(cost[i] * float32(next) * float32(next))
			if restLL > 0 && restXL*restXL*ll > xl*xl*restLL {
				levels[i], xl, ll, changed = byte(next+zero), restXL, restLL, true
			}
		}
	}
	if ll > 0 {
		return xl / ll
	}
	return 0
}

// searchPositive chooses levels 0 to top for x, which is positive for the most part,
// and returns their scale. It quantises the scales and minima of a block's groups.
func searchPositive(levels []byte, x, cost []float32, top int) (scale float32) {
	peak := float32(0)
	for _, v := range x {
		peak = max(peak, v)
	}
	if peak < negligible {
		clear(levels)
		return 0
	}
	inverse := float32(top) / peak
	best := positiveError(x, cost, inverse, 255)
	for step := -4; step <= 4; step++ {
		if step == 0 {
			continue
		}
		try := (float32(0.1*float32(step)) + float32(top)) / peak
		if e := positiveError(x, cost, try, top); e < best {
			best, inverse = e, try
		}
	}
	var xl, ll float32
	for i, v := range x {
		l := min(top, nearest(inverse*v))
		levels[i] = byte(l)
		xl += float32(cost[i] * v * float32(l))
		ll += float32(cost[i] * float32(l) * float32(l))
	}
	return descendPositive(levels, x, cost, top, xl, ll)
}

func positiveError(x, cost []float32, inverse float32, top int) (sum float32) {
	scale := 1 / inverse
	for i, v := range x {
		d := v - float32(scale*float32(min(top, nearest(inverse*v))))
		sum += float32(cost[i] * d * d)
	}
	return sum
}

// descendPositive gives each level in turn its best value, given the others.
func descendPositive(levels []byte, x, cost []float32, top int, xl, ll float32) (scale float32) {
	for changed, round := true, 0; changed && round < 5; round++ {
		changed = false
		for i, v := range x {
			l := float32(levels[i])
			restXL, restLL := xl-float32(cost[i]*v*l), ll-float32(cost[i]*l*l)
			if !(restXL > 0 && restLL > 0) {
				continue
			}
			next := min(top, nearest(v*restLL/restXL))
			if next == int(levels[i]) {
				continue
			}
			restXL += float32(cost[i] * v * float32(next))
			restLL += float32(cost[i] * float32(next) * float32(next))
			if restXL*restXL*ll > xl*xl*restLL {
				levels[i], xl, ll, changed = byte(next), restXL, restLL, true
			}
		}
	}
	if ll > 0 {
		return xl / ll
	}
	return 0
}
