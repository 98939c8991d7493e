package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

// q4kDot takes 32 bytes of each row at a time: two groups of 32.
func q4kDot(g *gen) {
	for set := range 2 {
		rowScales(g, set)
	}
	for pair := range 4 {
		for set := range 2 {
			loadUnits(g, set, 8*set, 16+32*pair)
			loadUnits(g, set, 8*set+4, 32+32*pair)
		}
		for half := range 2 {
			group := 2*pair + half
			for set := range 2 {
				at := 256*set + 32*group
				g.op("FLDPQ %d(R19), (F%d, F%d)", at, scale+2*set, scale+2*set+1)
			}
			for u := range 8 {
				if half == 1 {
					nextNibbles(g, u)
				}
				unit(g, u, 32*group+4*u, true, unsigned)
			}
		}
	}
	advance(g, 256)
}

// rowScales leaves scale and minimum of each group, those of 4 rows beside each other.
func rowScales(g *gen, set int) {
	for i := range 4 {
		block := row(4*set + i)
		halfAt(g, block, 0, hand)
		halfAt(g, block, 2, hand+1)
		groupScales(g, block, hand, hand+2, i, 4)
	}
	for v := range 4 { // scales of groups 0 to 3 and 4 to 7, then minima
		g.put(transpose(4*v, hand)...)
		for i := range 4 {
			g.put(a64.Store(4*v+i, 256*set+32*(v%2*4+i)+v/2*16, "R19"))
		}
	}
}

// q6kDot takes 16 elements of each row at a time, a group. V22 is the level of zero,
// V24 selects the upper two bits of a level.
func q6kDot(g *gen) {
	for set := range 2 {
		rowScales6(g, set)
	}
	wordConst(g, 22, 0x42000000)
	wordConst(g, 24, 0x30303030)
	for group := range 16 {
		half, plane, i := group/8, group%8/2, group%2*16
		for set := range 2 {
			loadUnits(g, set, 8*set, 64*half+plane%2*32+i)
			loadUnits(g, set, 8*set+4, 128+32*half+i)
			g.put(a64.Load(scale+2*set, 256*set+16*group, "R19"))
			for r := 8 * set; r < 8*set+4; r++ {
				join6(g, r, plane)
			}
		}
		for u := range 4 {
			unit(g, u, 16*group+4*u, false, offset(22))
		}
	}
	advance(g, 256)
}

// join6 puts two bits of each byte of register r+4 above four of register r.
func join6(g *gen, r, plane int) {
	if plane >= 2 {
		g.put(a64.USHR(r, r, 4))
	}
	switch by := 4 - 2*plane; {
	case by > 0:
		g.put(a64.SHL(r+4, r+4, by))
	case by < 0:
		g.put(a64.USHR(r+4, r+4, -by))
	}
	g.put(a64.BIT(r, r+4, 24))
}

// rowScales6 leaves the scale of each group, those of 4 rows beside each other.
func rowScales6(g *gen, set int) {
	for i := range 4 {
		block := row(4*set + i)
		halfAt(g, block, 208, hand)
		g.put(a64.Load(hand+1, 192, block))
		spread(g, hand+1)
		for v := range 4 {
			g.put(a64.FMUL(4*v+i, spreadTo+v, hand))
		}
	}
	for v := range 4 {
		g.put(transpose(4*v, hand)...)
		for i := range 4 {
			g.put(a64.Store(4*v+i, 256*set+16*(4*v+i), "R19"))
		}
	}
}
