package kernel

// The levels of a block are the integers that its bits stand for. Nibbles pair the
// first half of a run with the second; crumbs (2 bits) and single bits lie in planes
// of 32: bit p of byte i belongs to level 32·p+i.

func unpackNibbles(levels, src []byte) {
	lo, hi := levels[:len(src)], levels[len(src):2*len(src)]
	for i, b := range src {
		lo[i], hi[i] = b&15, b>>4
	}
}

func packNibbles(dst, levels []byte) {
	lo, hi := levels[:len(dst)], levels[len(dst):2*len(dst)]
	for i := range dst {
		dst[i] = lo[i]&15 | hi[i]<<4
	}
}

const plane = 32

// unpackCrumbs adds 2 bits, shifted, to each of 128 levels.
func unpackCrumbs(levels, src []byte, shift int) {
	for p := range 4 {
		for i, b := range src[:plane] {
			levels[plane*p+i] |= b >> (2 * p) & 3 << shift
		}
	}
}

func packCrumbs(dst, levels []byte, shift int) {
	clear(dst[:plane])
	for p := range 4 {
		for i := range dst[:plane] {
			dst[i] |= levels[plane*p+i] >> shift & 3 << (2 * p)
		}
	}
}

// unpackBits adds one bit, shifted, to each of 256 levels.
func unpackBits(levels, src []byte, shift int) {
	for p := range 8 {
		for i, b := range src[:plane] {
			levels[plane*p+i] |= b >> p & 1 << shift
		}
	}
}

func packBits(dst, levels []byte, shift int) {
	clear(dst[:plane])
	for p := range 8 {
		for i := range dst[:plane] {
			dst[i] |= levels[plane*p+i] >> shift & 1 << p
		}
	}
}
