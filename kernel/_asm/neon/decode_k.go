package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

// groups is a type with 8 groups of 32, each with a 6-bit scale and minimum: where
// its nibbles are in the block, and the fifth bits, or 0.
type groups struct{ nibbles, fifth int }

// constants: V31 selects nibbles, V30 the fifth bit.
func (t groups) constants(g *gen) {
	byteConst(g, 31, 15)
	byteConst(g, 30, 16)
}

// block keeps the scales of the groups in V16 and V17, the minima in V18 and V19.
func (t groups) block(g *gen) {
	halfAt(g, "R1", 0, 0)
	halfAt(g, "R1", 2, 1)
	groupScales(g, "R1", 0, 2, 16, 1)
	for i := 0; i < 32; i += 16 {
		if t.fifth > 0 {
			g.put(a64.Load(5, t.fifth+i, "R1"))
		}
		for pair := range 4 {
			g.put(a64.Load(2, t.nibbles+32*pair+i, "R1"), a64.USHRB(3, 2, 4), a64.AND(2, 2, 31))
			for j := range 2 {
				group := 2*pair + j
				if t.fifth > 0 {
					shift(g, 4-group, 5, 6)
					g.put(a64.AND(6, 6, 30), a64.ORR(2+j, 2+j, 6))
				}
				spread(g, 2+j)
				each(g, func(r int) string { return a64.FMULLane(r, r, 16+group/4, group%4) })
				g.put(a64.Dup(7, 18+group/4, group%4))
				each(g, func(r int) string { return a64.FSUB(r, r, 7) })
				store(g, 32*group+i)
			}
		}
	}
}

// shift moves the bits of each byte left, or right when by is negative.
func shift(g *gen, by, src, dst int) {
	switch {
	case by > 0:
		g.put(a64.SHLB(dst, src, by))
	case by < 0:
		g.put(a64.USHRB(dst, src, -by))
	default:
		g.put(a64.MOV(dst, src))
	}
}

// groupScales multiplies the scales of a block by the register d, and the minima by
// the next one, into 4 registers from to on that are step apart. It changes V(t).
func groupScales(g *gen, block string, d, t, to, step int) {
	const low6, low4, high2 = 0x3f3f3f3f, 0x0f0f0f0f, 0x30303030
	g.op("MOVWU 4(%s), R4", block)
	g.op("MOVWU 8(%s), R5", block)
	g.op("MOVWU 12(%s), R6", block)
	g.op("LSR $4, R6, R7")
	for i, r := range []struct{ low, mid string }{{"R4", "R6"}, {"R5", "R7"}} {
		g.op("AND $%#x, %s, R3", low6, r.low)
		g.op("LSR $2, %s", r.low)
		g.op("AND $%#x, %s", high2, r.low)
		g.op("AND $%#x, %s", low4, r.mid)
		g.op("ORR %s, %s", r.low, r.mid)
		g.op("ORR %s<<32, R3", r.mid)
		g.op("VMOV R3, V%d.D[0]", t)
		lo, hi := to+2*i*step, to+(2*i+1)*step
		g.put(a64.SXTL(t, t), a64.SXTLH(lo, t), a64.SXTLH2(hi, t))
		for _, r := range []int{lo, hi} {
			g.put(a64.SCVTF(r, r), a64.FMUL(r, r, d+i))
		}
	}
}

// q6Constants: V31 selects nibbles, V30 the two bits above; V29 is the level of zero.
func q6Constants(g *gen) {
	byteConst(g, 31, 15)
	byteConst(g, 30, 48)
	byteConst(g, 29, 32)
}

// q6 keeps the scales of the groups of 16 in V16 to V19.
func q6(g *gen) {
	halfAt(g, "R1", 208, 0)
	g.put(a64.Load(1, 192, "R1"))
	spread(g, 1)
	for i := range 4 {
		g.put(a64.FMUL(16+i, spreadTo+i, 0))
	}
	for half := range 2 {
		for i := 0; i < 32; i += 16 {
			q6Elements(g, half, i)
		}
	}
}

// q6Elements decodes elements i, i+32, i+64 and i+96 of a half, and the next 15 of each.
func q6Elements(g *gen, half, i int) {
	g.put(a64.Load(1, 64*half+i, "R1"), a64.Load(2, 64*half+32+i, "R1"), a64.Load(5, 128+32*half+i, "R1"))
	g.put(a64.USHRB(3, 1, 4), a64.USHRB(4, 2, 4), a64.AND(1, 1, 31), a64.AND(2, 2, 31))
	for j := range 4 {
		shift(g, 4-2*j, 5, 6)
		g.put(a64.AND(6, 6, 30), a64.ORR(1+j, 1+j, 6), a64.SUBB(1+j, 1+j, 29))
		spread(g, 1+j)
		group := 8*half + 2*j + i/16
		each(g, func(r int) string { return a64.FMULLane(r, r, 16+group/4, group%4) })
		store(g, 128*half+32*j+i)
	}
}
