//go:build arm64 && !purego

package kernel

// dotQ8_0NEON multiplies one row by 8 rows of blocks, ldw bytes apart, each sum a
// chain over increasing t:
//
//	for j := range 8 { for t := range 32*blocks { sum[j] = fma(x[t], decoded(w)[j][t], sum[j]) } }
//
// and stores y[j] = sum[j], or y[j] + sum[j] when add is set. scales is room for 128
// floats. The blocks make up at most blockK elements.
//
//go:noescape
func dotQ8_0NEON(x *float32, w *byte, ldw int, y *float32, blocks int, add bool, scales *float32)

//go:noescape
func dotQ4_0NEON(x *float32, w *byte, ldw int, y *float32, blocks int, add bool, scales *float32)

//go:noescape
func dotQ4_KNEON(x *float32, w *byte, ldw int, y *float32, blocks int, add bool, scales *float32)

//go:noescape
func dotQ6_KNEON(x *float32, w *byte, ldw int, y *float32, blocks int, add bool, scales *float32)

// dotQuantised is dot for a quantised b: as it is for the types that have a kernel,
// decoded for the others.
func (g *gemmTask) dotQuantised(s *scratch, j int) {
	switch g.b.dtype {
	case Q8_0, Q4_0, Q4_K, Q6_K:
		g.dotBlocks(s, j)
	default:
		g.dotDecoded(s, j)
	}
}

// dotBlocks multiplies one row by columns [j, j+8) over all of k.
func (g *gemmTask) dotBlocks(s *scratch, j int) {
	s.decoded = grow(s.decoded, 128)
	elements, _ := g.b.dtype.Block()
	ldw := g.b.dtype.Bytes(g.b.stride)
	for t := 0; t < g.k; t += blockK {
		x, w := &g.a.f32[t], &g.b.raw[g.b.dtype.Bytes(j*g.b.stride+t)]
		blocks, add := min(blockK, g.k-t)/elements, g.keep || t > 0
		switch g.b.dtype {
		case Q8_0:
			dotQ8_0NEON(x, w, ldw, &g.c[j], blocks, add, &s.decoded[0])
		case Q4_0:
			dotQ4_0NEON(x, w, ldw, &g.c[j], blocks, add, &s.decoded[0])
		case Q4_K:
			dotQ4_KNEON(x, w, ldw, &g.c[j], blocks, add, &s.decoded[0])
		case Q6_K:
			dotQ6_KNEON(x, w, ldw, &g.c[j], blocks, add, &s.decoded[0])
		}
	}
}

// dotDecoded is dot8 over all of k for a quantised b, two blocks at a time.
func (g *gemmTask) dotDecoded(s *scratch, j int) {
	for t := 0; t < g.k; {
		chains, kc := 1, min(blockK, g.k-t)
		if g.k-t >= 2*blockK {
			chains = 2
		}
		w := s.decode(&g.b, j, 8, t, chains*kc)
		dotKernel(F32, chains, kc, &g.a.f32[t], w.pointer(0), w.stride, &g.c[j], g.keep || t > 0)
		t += chains * kc
	}
}
