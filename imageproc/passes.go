package imageproc

import "encoding/binary"

// Both passes compute two sums with one multiplication: two pixels lie in the
// halves of a 64-bit word, and since every sum fits 31 bits and a sign, word
// arithmetic carries from the low half to the high one only what unpack takes back.

// unpack splits a word into its two sums.
func unpack(acc int64) (lo, hi int) {
	lo = int(int32(acc))
	return lo, int(int32((acc - int64(lo)) >> 32))
}

// packedHalf is weightHalf in both halves.
const packedHalf = weightHalf<<32 | weightHalf

// clip8 turns a fixed-point sum that starts at weightHalf into a byte.
func clip8(acc int) uint8 {
	acc >>= weightBits
	if uint(acc) > 255 {
		if acc < 0 {
			return 0
		}
		return 255
	}
	return uint8(acc)
}

// horizontal resamples rows [y0, y1) of src; the result has one column per span.
func horizontal(src *RGB, cols []span, y0, y1 int) *RGB {
	dst := NewRGB(len(cols), y1-y0)
	parallel((dst.H+1)/2, 2*len(cols)*len(cols[0].w), func(lo, hi int) {
		packed := make([]int64, 3*src.W)
		for y := 2 * lo; y < min(2*hi, dst.H); y += 2 {
			z := min(y+1, dst.H-1)
			packRows(packed, src.row(y0+y), src.row(y0+z))
			horizontalRows(dst.row(y), dst.row(z), packed, cols)
		}
	})
	return dst
}

// packRows writes the pixels of two rows, a in the low halves, as three planes.
func packRows(packed []int64, a, b []uint8) {
	w := len(a) / 3
	p0, p1, p2 := packed[:w], packed[w:2*w], packed[2*w:3*w]
	for x := range p0 {
		q, r := a[3*x:3*x+3:3*x+3], b[3*x:3*x+3:3*x+3]
		p0[x] = int64(q[0]) | int64(r[0])<<32
		p1[x] = int64(q[1]) | int64(r[1])<<32
		p2[x] = int64(q[2]) | int64(r[2])<<32
	}
}

// horizontalRows resamples the two rows in packed to a and b, which may be one.
func horizontalRows(a, b []uint8, packed []int64, cols []span) {
	width := len(packed) / 3
	for i := range cols {
		w, from := cols[i].w, cols[i].from
		p0 := packed[from:][:len(w)]
		p1 := packed[width+from:][:len(w)]
		p2 := packed[2*width+from:][:len(w)]
		s0, s1, s2 := int64(packedHalf), int64(packedHalf), int64(packedHalf)
		for k, v := range w {
			s0 += int64(v) * p0[k]
			s1 += int64(v) * p1[k]
			s2 += int64(v) * p2[k]
		}
		q, r := a[3*i:3*i+3:3*i+3], b[3*i:3*i+3:3*i+3]
		for c, s := range [3]int64{s0, s1, s2} {
			lo, hi := unpack(s)
			q[c], r[c] = clip8(lo), clip8(hi)
		}
	}
}

// vertical resamples columns [x0, x1) of src, whose row 0 is row y0 of the
// picture that the spans speak of; the result has one row per span.
func vertical(src *RGB, rows []span, y0, x0, x1 int) *RGB {
	dst := NewRGB(x1-x0, len(rows))
	parallel(dst.H, dst.W*len(rows[0].w), func(lo, hi int) {
		for y := lo; y < hi; y++ {
			s := rows[y]
			verticalRow(dst.row(y), src.Pix[3*(src.W*(s.from-y0)+x0):], 3*src.W, s.w)
		}
	})
	return dst
}

// verticalRow weighs len(w) rows, stride bytes apart, eight bytes at a time.
func verticalRow(dst, src []uint8, stride int, w []int32) {
	const even = 0x000000ff_000000ff
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		s0, s1, s2, s3 := int64(packedHalf), int64(packedHalf), int64(packedHalf), int64(packedHalf)
		at := i
		for _, k := range w {
			v, k := binary.LittleEndian.Uint64(src[at:]), int64(k)
			s0 += k * int64(v&even)
			s1 += k * int64(v>>8&even)
			s2 += k * int64(v>>16&even)
			s3 += k * int64(v>>24&even)
			at += stride
		}
		d := dst[i : i+8 : i+8]
		for j, s := range [4]int64{s0, s1, s2, s3} {
			lo, hi := unpack(s)
			d[j], d[j+4] = clip8(lo), clip8(hi)
		}
	}
	for ; i < len(dst); i++ {
		acc := weightHalf
		for k, v := range w {
			acc += int(v) * int(src[i+k*stride])
		}
		dst[i] = clip8(acc)
	}
}
