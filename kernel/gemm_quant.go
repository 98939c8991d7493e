package kernel

// A quantised operand is decoded, part by part, into a worker's scratch, and what
// follows sees float32: the product has the bits of one with the decoded matrix.

// decodedCols is how many columns of a k-major operand are decoded at a time: a
// multiple of every block and of every panel.
const decodedCols = superblock

// decode returns outer vectors [o, o+count) of x over k in [t, t+length) as float32,
// numbered from zero. The range consists of whole blocks.
func (s *scratch) decode(x *operand, o, count, t, length int) operand {
	rows, cols, row, col := count, length, o, t
	if x.kMajor {
		rows, cols, row, col = length, count, t, o
	}
	s.decoded = grow(s.decoded, rows*cols)
	size := x.dtype.Bytes(cols)
	for i := range rows {
		at := x.dtype.Bytes((row+i)*x.stride + col)
		dequantize(s.decoded[i*cols:(i+1)*cols], x.raw[at:at+size], x.dtype)
	}
	return operand{kMajor: x.kMajor, stride: cols, f32: s.decoded}
}

// packDecoded packs columns [lo, hi) of b, counted from j0, over the current span of k.
func (g *gemmTask) packDecoded(s *scratch, lo, hi int) {
	step := g.nr
	if g.b.kMajor {
		step = decodedCols
	}
	for ; lo < hi; lo += step {
		count := min(step, hi-lo)
		b := s.decode(&g.b, g.j0+lo, count, g.t0, g.kc)
		for j := 0; j < count; j += g.nr {
			packPanel(g.shared[(lo+j)*g.kc:], g.nr, &b, j, min(g.nr, count-j), 0, g.kc)
		}
	}
}
