package kernel

// int8PackGeneric packs 16 rows of quantised blocks, row bytes apart, with or without signs.
func int8PackGeneric(dst []int8Weights, src []byte, row int, d DType, signed bool) {
	kind, _ := int8KindOf(d)
	zero := uint8(0)
	if signed {
		zero = uint8(kind.zero)
	}
	elements, bytes := d.Block()
	per := elements / int8Block
	for r := range int8Columns {
		for b := 0; b < len(dst); b += per {
			var u unpacked
			u.unpack(src[r*row+b/per*bytes:][:bytes], d)
			for i := range per {
				w := &dst[b+i]
				for t := range int8Block {
					w.levels[t/4][r][t%4] = u.levels[i*int8Block+t] - zero
				}
				w.scale[r], w.second[r] = u.scale[i], u.second[i]
			}
		}
	}
}

// unpacked is a block taken apart, into levels without sign and what they stand for.
type unpacked struct {
	levels        [superblock]byte
	scale, second [superblock / int8Block]float32 // of 32 levels each: see int8Weights
}

func (u *unpacked) unpack(src []byte, d DType) {
	switch d {
	case Q8_0:
		u.scale[0] = halfAt(src)
		for i, b := range src[2:] {
			u.levels[i] = b ^ 0x80
		}
	case Q4_0:
		u.scale[0] = halfAt(src)
		unpackNibbles(u.levels[:legacy], src[2:18])
	case Q4_K, Q5_K:
		u.groups(src, d)
	case Q6_K:
		u.halves(src)
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
	for g := range u.scale {
		scale, minimum := groupScale(src[4:16], g)
		u.scale[g], u.second[g] = halfAt(src)*float32(scale), halfAt(src[2:])*float32(minimum)
	}
}

// halves takes a block of Q6_K apart.
func (u *unpacked) halves(src []byte) {
	d := halfAt(src[208:])
	for i := range u.levels {
		half, j, at := i/128, i%128/32, i%32
		low := src[64*half+32*(j%2)+at] >> (4 * (j / 2)) & 15
		u.levels[i] = low | src[128+32*half+at]>>(2*j)&3<<4
	}
	for g := range u.scale {
		u.scale[g] = d * float32(int8(src[192+2*g]))
		u.second[g] = d * float32(int8(src[193+2*g]))
	}
}
