package kernel

// The tile of the Go micro-kernel: 16 sums in registers.
const genericTile = 4

// microGeneric is the reference micro-kernel: it sums the outer products of the
// k-major panels a (of 4 rows) and b (of 4 columns, ldb apart) and stores the first rows of
// the tile to c, or adds them.
func microGeneric(kc int, a, b []float32, ldb int, c []float32, ldc, rows int, add bool) {
	var s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33 float32
	a, b = a[:4*kc], b[:ldb*(kc-1)+4]
	for len(a) >= 4 && len(b) >= 4 {
		a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		s00 += a0 * b0
		s01 += a0 * b1
		s02 += a0 * b2
		s03 += a0 * b3
		s10 += a1 * b0
		s11 += a1 * b1
		s12 += a1 * b2
		s13 += a1 * b3
		s20 += a2 * b0
		s21 += a2 * b1
		s22 += a2 * b2
		s23 += a2 * b3
		s30 += a3 * b0
		s31 += a3 * b1
		s32 += a3 * b2
		s33 += a3 * b3
		a, b = a[4:], b[min(ldb, len(b)):]
	}
	s := [4][4]float32{{s00, s01, s02, s03}, {s10, s11, s12, s13}, {s20, s21, s22, s23}, {s30, s31, s32, s33}}
	for r := range rows {
		row := c[r*ldc : r*ldc+4]
		for j, v := range s[r] {
			if add {
				v += row[j]
			}
			row[j] = v
		}
	}
}
