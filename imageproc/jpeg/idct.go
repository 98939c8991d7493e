package jpeg

// Constants of jidctint.c, in 13 bits.
const (
	constBits = 13
	passBits  = 2

	f0298 = 2446  // 0.298631336
	f0390 = 3196  // 0.390180644
	f0541 = 4433  // 0.541196100
	f0765 = 6270  // 0.765366865
	f0899 = 7373  // 0.899976223
	f1175 = 9633  // 1.175875602
	f1501 = 12299 // 1.501321110
	f1847 = 15137 // 1.847759065
	f1961 = 16069 // 1.961570560
	f2053 = 16819 // 2.053119869
	f2562 = 20995 // 2.562915447
	f3072 = 25172 // 3.072711026
)

// idct writes the samples of a block: the inverse DCT of Loeffler, Ligtenberg and
// Moschytz 1989, as libjpeg's "slow integer" method rounds it.
func idct(dst []uint8, stride int, b *block, quant *[64]int32) {
	var mid [64]int32
	rest := int16(0)
	for i := 1; i < 64; i++ {
		rest |= b[i]
	}
	if rest == 0 { // a flat block
		v := clamp((int32(b[0])*quant[0]<<passBits + 1<<(passBits+2)) >> (passBits + 3))
		for y := range 8 {
			row := dst[y*stride : y*stride+8 : y*stride+8]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	for x := range 8 {
		if b[8+x]|b[16+x]|b[24+x]|b[32+x]|b[40+x]|b[48+x]|b[56+x] == 0 {
			v := int32(b[x]) * quant[x] << passBits
			for y := 0; y < 64; y += 8 {
				mid[y+x] = v
			}
			continue
		}
		at := func(y int) int32 { return int32(b[8*y+x]) * quant[8*y+x] }
		even, odd := half(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7))
		for i := range 4 {
			mid[8*i+x] = descale(even[i]+odd[i], constBits-passBits)
			mid[8*(7-i)+x] = descale(even[i]-odd[i], constBits-passBits)
		}
	}
	for y := range 8 {
		m := mid[8*y : 8*y+8 : 8*y+8]
		row := dst[y*stride : y*stride+8 : y*stride+8]
		even, odd := half(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7])
		for i := range 4 {
			row[i] = clamp(descale(even[i]+odd[i], constBits+passBits+3))
			row[7-i] = clamp(descale(even[i]-odd[i], constBits+passBits+3))
		}
	}
}

// half is one dimension: output i is even+odd, output 7-i is even-odd, both by 2^13.
func half(x0, x1, x2, x3, x4, x5, x6, x7 int32) (even, odd [4]int32) {
	z1 := (x2 + x6) * f0541
	t2, t3 := z1-x6*f1847, z1+x2*f0765
	t0, t1 := (x0+x4)<<constBits, (x0-x4)<<constBits
	even = [4]int32{t0 + t3, t1 + t2, t1 - t2, t0 - t3}

	z1, z2, z3, z4 := x7+x1, x5+x3, x7+x3, x5+x1
	z5 := (z3 + z4) * f1175
	o0, o1, o2, o3 := x7*f0298, x5*f2053, x3*f3072, x1*f1501
	z1, z2 = -z1*f0899, -z2*f2562
	z3, z4 = z5-z3*f1961, z5-z4*f0390
	odd = [4]int32{o3 + z1 + z4, o2 + z2 + z3, o1 + z2 + z4, o0 + z1 + z3}
	return even, odd
}

func descale(v int32, bits uint) int32 { return (v + 1<<(bits-1)) >> bits }

// clamp centres a sample on 128.
func clamp(v int32) uint8 { return uint8(min(max(v+128, 0), 255)) }
