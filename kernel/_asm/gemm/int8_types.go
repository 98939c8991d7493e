package main

// The bodies of the quantised dtypes: how a block unpacks.

func (p *int8Packer) bytes8() {
	p.half(0, 0)
	p.scale(0, 0, 0)
	for half := range 2 {
		p.quads(2+16*half, 1, 5)
		for q := range 4 {
			p.op("VPSUBB @15, @%d, @%d", 1+q, 1+q)
			p.levels(0, 4*half+q, 1+q)
		}
	}
}

// An int8Legacy has 32 nibbles, a scale, perhaps a minimum, and perhaps a fifth bit of
// each; or nibbles that stand for the values of a table.
type int8Legacy struct{ affine, five, table bool }

func (l int8Legacy) body(p *int8Packer) {
	at := 2
	if l.affine {
		at = 4
		p.halves(0, 0, 1)
		p.constant(p.wide("VPXOR"), "sign", 1, 1) // what is added here is taken off there
		p.scale(0, 1, 1)
	} else {
		p.half(0, 0)
	}
	p.scale(0, 0, 0)
	if l.five {
		p.gather(at, 11)
		p.op("VPSLLD $4, @11, @12")
		p.op("VPBROADCASTD fifth<>(SB), @13")
		at += 4
	}
	if l.table {
		p.op("%s nonlinear<>(SB), @14", map[int]string{8: "VBROADCASTI128", 16: "VBROADCASTI32X4"}[p.isa.lanes])
	}
	p.quads(at, 1, 5)
	for q := range 4 {
		for upper := range 2 {
			p.nibble(upper, 1+q, 9)
			switch quad := 4*upper + q; {
			case l.five:
				p.fifth(quad)
			case l.table:
				p.op("VPSHUFB @9, @14, @9")
				p.op("VPSUBB @15, @9, @9")
			}
			p.levels(0, 4*upper+q, 9)
		}
	}
}

// fifth adds to the nibbles of a quad in register 9 the fifth bits: bit i of 32, in
// register 11, for level i. In register 12 the bits of even quads are upper nibbles.
func (p *int8Packer) fifth(quad int) {
	p.op("VPSHUFB spread%d<>(SB), @%d, @10", quad/2, 12-quad%2)
	p.and("nibbleBits", 10, 10)
	p.op("VPMINUB @13, @10, @10")
	p.or(10, 9, 9)
}

// groups: 8 blocks with a scale and a minimum each; where the nibbles are, and the fifth bits, or 0.
func (p *int8Packer) groups(nibbles, fifth int) {
	p.groupScales()
	for half := range 2 {
		if fifth > 0 {
			p.quads(fifth+16*half, 11, 5)
		}
		for pair := range 4 {
			p.quads(nibbles+32*pair+16*half, 1, 5)
			for q := range 4 {
				for upper := range 2 {
					p.nibble(upper, 1+q, 9)
					if fifth > 0 {
						p.bits("fifth", 4-(2*pair+upper), 11+q, 10)
						p.or(10, 9, 9)
					}
					p.levels(2*pair+upper, 4*half+q, 9)
				}
			}
		}
	}
}

// groupScales stores the scales and minima of 8 groups, from 12 bytes of 6 bits each; see
// groupScale.
func (p *int8Packer) groupScales() {
	p.halves(0, 11, 12)
	for i := range 3 {
		p.gather(4+4*i, 1+i)
	}
	for i := range 2 { // scales, then minima: the first four groups in 4+i, the others in 6+i
		p.bits("sixBits", 0, 1+i, 4+i)
		p.bits("upperCrumbs", -2, 1+i, 8)
		p.nibble(i, 3, 9)
		p.or(8, 9, 6+i)
	}
	for group := range 8 {
		for i := range 2 {
			p.bits("lowerByte", -8*(group%4), 4+i+group/4*2, 8)
			p.scaled(group, i, 8, 11+i)
		}
	}
}

// six: 16 groups of 16 with a scale each; 6 bits of an element come from two places.
func (p *int8Packer) six() {
	p.upperHalf(206, 0)
	p.quads(192, 1, 5)
	for group := range 16 {
		r := p.shift(24-8*(group%4), 1+group/4, 8)
		p.op("VPSRAD $24, @%d, @8", r)
		p.scaled(group/2, group%2, 8, 0)
	}
	for half := range 2 {
		for part := range 2 {
			p.quads(64*half+16*part, 1, 13)
			p.quads(64*half+32+16*part, 5, 13)
			p.quads(128+32*half+16*part, 9, 13)
			for q := range 4 {
				for j := range 4 {
					p.nibble(j/2, 1+4*(j%2)+q, 13)
					p.bits("upperCrumbs", 4-2*j, 9+q, 14)
					p.or(14, 13, 13)
					p.levels(4*half+j, 4*part+q, 13)
				}
			}
		}
	}
}

// three: as six, with 2 bits and one.
func (p *int8Packer) three() {
	p.threeScales()
	for part := range 2 {
		p.quads(16*part, 5, 9)
		for half := range 2 {
			p.quads(32+32*half+16*part, 1, 9)
			for q := range 4 {
				for j := range 4 {
					p.bits("crumbs", -2*j, 1+q, 9)
					p.bits("third", 2-(4*half+j), 5+q, 10)
					p.or(10, 9, 9)
					p.levels(4*half+j, 4*part+q, 9)
				}
			}
		}
	}
}

// threeScales stores the scales of 16 groups; see signedScale.
func (p *int8Packer) threeScales() {
	p.upperHalf(106, 0)
	for i := range 3 {
		p.gather(96+4*i, 1+i)
	}
	for four := range 4 {
		p.nibble(four/2, 1+four%2, 4)
		p.bits("upperCrumbs", 4-2*four, 3, 5)
		p.or(5, 4, 4)
		for i := range 4 {
			p.bits("lowerByte", -8*i, 4, 5)
			p.constant("VPSUBD", "thirtyTwo", 5, 5)
			p.scaled(2*four+i/2, i%2, 5, 0)
		}
	}
}

// two: 16 groups of 16 with a scale and a minimum each, which become blocks whose second
// half is zero.
func (p *int8Packer) two() {
	p.halves(80, 11, 12)
	p.quads(0, 1, 5)
	for group := range 16 {
		for i := range 2 {
			p.bits("lowerNibble", -(8*(group%4) + 4*i), 1+group/4, 8)
			p.scaled(group, i, 8, 11+i)
		}
	}
	p.op("VXORPS X10, X10, X10")
	for half := range 2 {
		for part := range 2 {
			p.quads(16+32*half+16*part, 1, 5)
			for q := range 4 {
				for j := range 4 {
					p.bits("crumbs", -2*j, 1+q, 9)
					p.levels(8*half+2*j+part, q, 9)
					p.levels(8*half+2*j+part, 4+q, 10)
				}
			}
		}
	}
}
