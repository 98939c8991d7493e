package kernel

// IQ4_NL: blocks of 32 elements d·value, with 16 values that are denser around zero.

var nonlinear = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func decodeIQ4_NL(dst []float32, src []byte) {
	var levels [legacy]byte
	unpackNibbles(levels[:], src[2:18])
	d := halfAt(src)
	dst = dst[:legacy]
	for i, l := range levels {
		dst[i] = d * float32(nonlinear[l&15])
	}
}

func encodeIQ4_NL(dst []byte, x []float32, w *weights) {
	var levels [legacy]byte
	var cost [legacy]float32
	if w.importance != nil {
		w.spread(cost[:], x, squares(x)*(2./legacy))
	} else {
		squareEach(cost[:], x)
	}
	d := searchNonlinear(x, cost[:])
	putHalf(dst, d)
	id := inverse(d)
	for i, v := range x {
		levels[i] = nearestNonlinear(float32(id * v))
	}
	packNibbles(dst[2:18], levels[:])
}

// searchNonlinear returns the best scale of those that take the extreme of x to
// about the first value.
func searchNonlinear(x, cost []float32) (scale float32) {
	peak := extreme(x)
	if abs(peak) < negligible {
		return 0
	}
	first := float32(nonlinear[0])
	xq, qq := fitNonlinear(x, cost, 1/(-peak/first))
	if qq > 0 {
		scale = xq / qq
	}
	best := scale * xq
	for step := -7; step <= 7; step++ {
		xq, qq = fitNonlinear(x, cost, (float32(step)+first)/peak)
		if qq > 0 && xq*xq > best*qq {
			scale = xq / qq
			best = scale * xq
		}
	}
	return scale
}

// fitNonlinear returns Σ cost·x·q and Σ cost·q² for the values q of an inverse scale.
func fitNonlinear(x, cost []float32, inverse float32) (xq, qq float32) {
	for i, v := range x {
		q := float32(nonlinear[nearestNonlinear(float32(inverse*v))])
		xq += float32(cost[i] * q * v)
		qq += float32(cost[i] * q * q)
	}
	return xq, qq
}

// nearestNonlinear is the index of the nearest value, the larger of two.
func nearestNonlinear(v float32) byte {
	last := len(nonlinear) - 1
	if v <= float32(nonlinear[0]) {
		return 0
	}
	above := 1
	for above < last && v >= float32(nonlinear[above]) {
		above++
	}
	if v-float32(nonlinear[above-1]) < float32(nonlinear[above])-v {
		return byte(above - 1)
	}
	return byte(above)
}
