package kernel

// The K types with a signed scale for each group of 16, and no minimum: Q6_K and
// Q3_K. An element is (d·scale)·(level - zero).

const signedGroups = superblock / 16

func decodeQ6_K(dst []float32, src []byte) {
	var levels [superblock]byte
	unpackQ6(&levels, src)
	d := halfAt(src[208:])
	for g, s := range src[192:208] {
		decodeSigned(dst[16*g:], levels[16*g:], d*float32(int8(s)), 32)
	}
}

// unpackQ6 takes four bits of each level from 128 bytes, and two from 64 more.
func unpackQ6(levels *[superblock]byte, src []byte) {
	for h := range 2 {
		half := levels[128*h : 128*h+128]
		unpackNibbles(half, src[64*h:64*h+64])
		unpackCrumbs(half, src[128+32*h:], 4)
	}
}

func decodeSigned(dst []float32, levels []byte, scale float32, zero int) {
	dst = dst[:16]
	for i, l := range levels[:16] {
		dst[i] = scale * float32(int(l)-zero)
	}
}

func encodeQ6_K(dst []byte, x []float32, w *weights) {
	var levels [superblock]byte
	var scales [signedGroups]float32
	for g := range scales {
		part := x[16*g : 16*g+16]
		var cost [16]float32
		if w.importance != nil {
			copy(cost[:], w.importance[16*g:])
		} else {
			squareEach(cost[:], part)
		}
		scales[g] = searchScale(levels[16*g:16*g+16], part, cost[:], 32)
	}
	peak := extreme(scales[:])
	if abs(peak) < negligible {
		clear(dst)
		return
	}
	inverse := -128 / peak
	putHalf(dst[208:], 1/inverse)
	for g, s := range scales {
		scale := int8(min(127, nearest(inverse*s)))
		dst[192+g] = byte(scale)
		requantizeSigned(levels[16*g:], x[16*g:], halfAt(dst[208:])*float32(scale), 32)
	}
	for h := range 2 {
		half := levels[128*h : 128*h+128]
		packNibbles(dst[64*h:64*h+64], half)
		packCrumbs(dst[128+32*h:], half, 4)
	}
}

func squareEach(dst, x []float32) {
	for i, v := range x {
		dst[i] = v * v
	}
}

// requantizeSigned chooses the levels of a group anew, now that its scale is rounded.
// A scale of zero leaves them.
func requantizeSigned(levels []byte, x []float32, scale float32, zero int) {
	if scale == 0 {
		return
	}
	for i, v := range x[:16] {
		levels[i] = byte(signedLevel(v/scale, zero) + zero)
	}
}

func decodeQ3_K(dst []float32, src []byte) {
	var levels [superblock]byte
	unpackQ3(&levels, src)
	d := halfAt(src[108:])
	for g := range signedGroups {
		decodeSigned(dst[16*g:], levels[16*g:], d*float32(signedScale(src[96:], g)), 4)
	}
}

// unpackQ3 takes two bits of each level from 64 bytes, and one from the 32 before.
func unpackQ3(levels *[superblock]byte, src []byte) {
	unpackCrumbs(levels[:128], src[32:], 0)
	unpackCrumbs(levels[128:], src[64:], 0)
	unpackBits(levels[:], src, 2)
}

// signedScale returns the scale of group g of 16, -32 to 31, from 12 bytes: the low
// nibbles of all, then the upper two bits in crumbs.
func signedScale(packed []byte, g int) int {
	low := packed[g%8] >> (g / 8 * 4) & 15
	high := packed[8+g%4] >> (g / 4 * 2) & 3
	return int(low|high<<4) - 32
}

func packSigned(packed []byte, scales *[signedGroups]byte) {
	clear(packed[:12])
	for g, s := range scales {
		packed[g%8] |= s & 15 << (g / 8 * 4)
		packed[8+g%4] |= s >> 4 << (g / 4 * 2)
	}
}

func encodeQ3_K(dst []byte, x []float32, w *weights) {
	var levels [superblock]byte
	var scales [signedGroups]byte
	var d float32
	if w.importance == nil {
		d = fitQ3(levels[:], &scales, x)
	} else {
		d = fitQ3Weighted(levels[:], &scales, x, w)
	}
	putHalf(dst[108:], d)
	packSigned(dst[96:], &scales)
	for g := range signedGroups {
		requantizeSigned(levels[16*g:], x[16*g:], halfAt(dst[108:])*float32(signedScale(dst[96:], g)), 4)
	}
	packBits(dst, levels[:], 2)
	packCrumbs(dst[32:], levels[:128], 0)
	packCrumbs(dst[64:], levels[128:], 0)
}

// fitQ3 chooses the levels, and the scales with 32 added; it returns their scale.
func fitQ3(levels []byte, scales *[signedGroups]byte, x []float32) (d float32) {
	var fitted [signedGroups]float32
	for g := range fitted {
		part := x[16*g : 16*g+16]
		var cost [16]float32
		squareEach(cost[:], part)
		fitted[g] = descendScale(levels[16*g:16*g+16], part, cost[:], 4)
	}
	peak := extreme(fitted[:])
	if peak == 0 {
		return 0
	}
	inverse := -32 / peak
	for g, s := range fitted {
		scales[g] = byte(max(-32, min(31, int(int8(nearest(inverse*s))))) + 32)
	}
	return 1 / inverse
}

func fitQ3Weighted(levels []byte, scales *[signedGroups]byte, x []float32, w *weights) (d float32) {
	var fitted, costs [signedGroups]float32
	mean := 2 * squares(x) / superblock
	rest := *w
	for g := range fitted {
		part := x[16*g : 16*g+16]
		var cost [16]float32
		rest.spread(cost[:], part, mean)
		rest.importance = rest.importance[16:]
		for _, c := range cost {
			costs[g] += c
		}
		fitted[g] = searchScale(levels[16*g:16*g+16], part, cost[:], 4)
	}
	return searchScale(scales[:], fitted[:], costs[:], 32)
}
