package kernel

// int8PackGeneric packs 16 rows of quantised blocks, row bytes apart.
func int8PackGeneric(kind int8Kind, dst []int8Weights, src []byte, row int, d DType) {
	zero := uint8(0)
	if kind.signed {
		zero = uint8(kind.zero)
	}
	elements, bytes := d.Block()
	size := kind.elements()
	per := elements / size
	for r := range int8Columns {
		for b := 0; b < len(dst); b += per {
			var u unpacked
			u.unpack(src[r*row+b/per*bytes:][:bytes], d)
			for i := range per {
				w := &dst[b+i]
				for t := range int8Block {
					level := uint8(0)
					if t < size {
						level = u.levels[i*size+t] - zero
					}
					w.levels[t/4][r][t%4] = level
				}
				w.scale[r], w.second[r] = u.scale[i], u.second[i]
			}
		}
	}
}

// unpacked is a block taken apart, into levels without sign and what they stand for.
type unpacked struct {
	levels        [superblock]byte
	scale, second [signedGroups]float32 // of each block of levels: see int8Weights
}

func (u *unpacked) unpack(src []byte, d DType) {
	u.scale[0] = halfAt(src)
	levels := (*[legacy]byte)(u.levels[:])
	switch d {
	case Q8_0:
		for i, b := range src[2:] {
			levels[i] = b ^ 0x80
		}
	case Q4_0:
		unpackNibbles(levels[:], src[2:])
	case IQ4_NL:
		unpackNibbles(levels[:], src[2:])
		for i, l := range levels {
			levels[i] = byte(nonlinear[l]) ^ 0x80
		}
	case Q5_0:
		unpackNibbles(levels[:], src[6:])
		unpackFifth(levels, src[2:])
	case Q4_1:
		unpackNibbles(levels[:], src[4:])
		u.second[0] = -halfAt(src[2:]) // what is added here is taken off there
	case Q5_1:
		unpackNibbles(levels[:], src[8:])
		unpackFifth(levels, src[4:])
		u.second[0] = -halfAt(src[2:])
	case Q4_K, Q5_K:
		u.groups(src, d)
	case Q6_K:
		unpackQ6(&u.levels, src)
		u.pairs(halfAt(src[208:]), func(g int) int { return int(int8(src[192+g])) })
	case Q3_K:
		unpackQ3(&u.levels, src)
		u.pairs(halfAt(src[108:]), func(g int) int { return signedScale(src[96:], g) })
	case Q2_K:
		u.short(src)
	}
}

// groups takes a block of Q4_K or Q5_K apart.
func (u *unpacked) groups(src []byte, d DType) {
	nibbles := 16
	if d == Q5_K {
		nibbles = 48
	}
	for g := 0; g < superblock; g += 64 {
		unpackNibbles(u.levels[g:], src[nibbles+g/2:][:32])
	}
	if d == Q5_K {
		unpackBits(u.levels[:], src[16:], 4)
	}
	for g := range superblock / legacy {
		scale, minimum := groupScale(src[4:16], g)
		u.scale[g], u.second[g] = halfAt(src)*float32(scale), halfAt(src[2:])*float32(minimum)
	}
}

// pairs sets the scales of 16 groups, of which two make up a block of levels.
func (u *unpacked) pairs(d float32, scale func(g int) int) {
	for g := range signedGroups / 2 {
		u.scale[g], u.second[g] = d*float32(scale(2*g)), d*float32(scale(2*g+1))
	}
}

// short takes a block of Q2_K apart.
func (u *unpacked) short(src []byte) {
	unpackCrumbs(u.levels[:128], src[16:], 0)
	unpackCrumbs(u.levels[128:], src[48:], 0)
	d, dmin := halfAt(src[80:]), halfAt(src[82:])
	for g, s := range src[:16] {
		u.scale[g], u.second[g] = d*float32(s&15), dmin*float32(s>>4)
	}
}
