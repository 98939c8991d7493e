package kernel

// The K types with a scale and a minimum for each group of a block, which are
// quantised by a scale and a minimum of the block: Q4_K, Q5_K and Q2_K. An element
// is (d·scale)·level - dmin·minimum.

// superblock is the number of elements of a block of the K types.
const superblock = 256

// The searches of ggml: the coarse ones without importance, the fine one with it.
var (
	q4Search   = rangeSearch{first: -1, step: 0.1, steps: 20}
	q5Search   = rangeSearch{first: -0.5, step: 0.1, steps: 15}
	q2Search   = rangeSearch{first: -0.5, step: 0.1, steps: 15, absolute: true}
	fineSearch = rangeSearch{first: -0.9, step: 0.05, steps: 36}
)

func decodeQ4_K(dst []float32, src []byte) {
	var levels [superblock]byte
	for g := 0; g < superblock; g += 64 {
		unpackNibbles(levels[g:], src[16+g/2:][:32])
	}
	decodeGroups(dst, &levels, halfAt(src), halfAt(src[2:]), src[4:16])
}

func decodeQ5_K(dst []float32, src []byte) {
	var levels [superblock]byte
	for g := 0; g < superblock; g += 64 {
		unpackNibbles(levels[g:], src[48+g/2:][:32])
	}
	unpackBits(levels[:], src[16:], 4)
	decodeGroups(dst, &levels, halfAt(src), halfAt(src[2:]), src[4:16])
}

// decodeGroups decodes 8 groups of 32, whose scales and minima are packed.
func decodeGroups(dst []float32, levels *[superblock]byte, d, dmin float32, packed []byte) {
	for g := range 8 {
		scale, minimum := groupScale(packed, g)
		var group [legacy]byte
		copy(group[:], levels[legacy*g:])
		affine(dst[legacy*g:], &group, d*float32(scale), -float32(dmin*float32(minimum)))
	}
}

// groupScale returns the 6-bit scale and minimum of group g of 8, in 12 bytes: those
// of the first four, with the upper bits of the others' above, and their lower bits.
func groupScale(packed []byte, g int) (scale, minimum byte) {
	if g < 4 {
		return packed[g] & 63, packed[g+4] & 63
	}
	low := packed[g+4]
	return low&15 | packed[g-4]>>6<<4, low>>4 | packed[g]>>6<<4
}

func packScales(packed []byte, scales, minima *[8]byte) {
	for g := range 4 {
		packed[g] = scales[g] | scales[g+4]>>4<<6
		packed[g+4] = minima[g] | minima[g+4]>>4<<6
		packed[g+8] = scales[g+4]&15 | minima[g+4]<<4
	}
}

func encodeQ4_K(dst []byte, x []float32, w *weights) {
	var levels [superblock]byte
	encodeGroups(dst, &levels, x, w, q4Search, 15)
	for g := 0; g < superblock; g += 64 {
		packNibbles(dst[16+g/2:][:32], levels[g:])
	}
}

func encodeQ5_K(dst []byte, x []float32, w *weights) {
	var levels [superblock]byte
	encodeGroups(dst, &levels, x, w, q5Search, 31)
	for g := 0; g < superblock; g += 64 {
		packNibbles(dst[48+g/2:][:32], levels[g:])
	}
	packBits(dst[16:], levels[:], 4)
}

// encodeGroups writes the first 16 bytes of a block, which are scales, and chooses
// levels 0 to top.
func encodeGroups(dst []byte, levels *[superblock]byte, x []float32, w *weights, search rangeSearch, top int) {
	const size, groups, topScale = 32, 8, 63
	f := groupFit{x: x, levels: levels[:], size: size, top: top}
	var scales, minima [groups]byte
	var d, dmin float32
	if w.importance == nil {
		f.fit(search, func(cost, x []float32) {
			mean := sqrt(squares(x) / size)
			for i, v := range x {
				cost[i] = mean + abs(v)
			}
		})
		d = linearScales(scales[:], f.scales[:groups], topScale)
		dmin = linearScales(minima[:], f.minima[:groups], topScale)
	} else {
		f.fitWeighted(w, 2*squares(x)/superblock)
		d = searchPositive(scales[:], f.scales[:groups], f.costs[:groups], topScale)
		dmin = searchPositive(minima[:], f.minima[:groups], f.costs[:groups], topScale)
	}
	putHalf(dst, d)
	putHalf(dst[2:], dmin)
	packScales(dst[4:16], &scales, &minima)
	for g := range groups {
		scale, minimum := groupScale(dst[4:16], g)
		f.requantize(g, halfAt(dst)*float32(scale), halfAt(dst[2:])*float32(minimum))
	}
}

func decodeQ2_K(dst []float32, src []byte) {
	var levels [superblock]byte
	unpackCrumbs(levels[:128], src[16:], 0)
	unpackCrumbs(levels[128:], src[48:], 0)
	d, dmin := halfAt(src[80:]), halfAt(src[82:])
	for g, s := range src[:16] {
		scale, minimum := d*float32(s&15), dmin*float32(s>>4)
		for i, l := range levels[16*g : 16*g+16] {
			dst[16*g+i] = float32(scale*float32(l)) - float32(minimum)
		}
	}
}

func encodeQ2_K(dst []byte, x []float32, w *weights) {
	const size, groups, top, topScale = 16, 16, 3, 15
	var levels [superblock]byte
	f := groupFit{x: x, levels: levels[:], size: size, top: top}
	var scales, minima [groups]byte
	var d, dmin float32
	if w.importance == nil {
		f.fit(q2Search, func(cost, x []float32) {
			for i, v := range x {
				cost[i] = abs(v)
			}
		})
		d = linearScales(scales[:], f.scales[:], topScale)
		dmin = linearScales(minima[:], f.minima[:], topScale)
	} else {
		f.fitWeighted(w, squares(x)/superblock)
		d = searchPositive(scales[:], f.scales[:], f.costs[:], topScale)
		dmin = searchPositive(minima[:], f.minima[:], f.costs[:], topScale)
	}
	putHalf(dst[80:], d)
	putHalf(dst[82:], dmin)
	for g := range groups {
		s := scales[g] | minima[g]<<4
		dst[g] = s
		f.requantize(g, halfAt(dst[80:])*float32(s&15), halfAt(dst[82:])*float32(s>>4))
	}
	packCrumbs(dst[16:], levels[:128], 0)
	packCrumbs(dst[48:], levels[128:], 0)
}

// A groupFit finds a scale and a minimum for each group of a block.
type groupFit struct {
	x         []float32
	levels    []byte
	size, top int

	scales, minima [16]float32
	costs          [16]float32 // sum of each group
}

func (f *groupFit) fit(search rangeSearch, cost func(cost, x []float32)) {
	var c [legacy]float32
	for g := range superblock / f.size {
		lo, hi := g*f.size, (g+1)*f.size
		cost(c[:], f.x[lo:hi])
		for _, v := range c[:f.size] {
			f.costs[g] += v
		}
		f.scales[g], f.minima[g] = search.affine(f.levels[lo:hi], f.x[lo:hi], c[:f.size], f.top)
	}
}

func (f *groupFit) fitWeighted(w *weights, mean float32) {
	rest := *w
	f.fit(fineSearch, func(cost, x []float32) {
		rest.spread(cost, x, mean)
		rest.importance = rest.importance[len(x):]
	})
}

// requantize chooses the levels of group g anew, now that its scale and minimum are
// rounded. A scale of zero leaves them.
func (f *groupFit) requantize(g int, scale, minimum float32) {
	if scale == 0 {
		return
	}
	for i := g * f.size; i < (g+1)*f.size; i++ {
		f.levels[i] = byte(max(0, min(f.top, nearest((f.x[i]+float32(minimum))/scale))))
	}
}

// linearScales rounds v, whose negative elements are of no use, to levels 0 to top of
// the scale that it returns.
func linearScales(levels []byte, v []float32, top int) (scale float32) {
	peak := float32(0)
	for _, e := range v {
		if e > peak {
			peak = e
		}
	}
	inverse := float32(0)
	if peak > 0 {
		inverse = float32(top) / peak
	}
	for i, e := range v {
		levels[i] = byte(min(top, int(byte(nearest(inverse*e)))))
	}
	return peak / float32(top)
}
