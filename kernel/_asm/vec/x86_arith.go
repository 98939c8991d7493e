package main

import "github.com/mmcloughlin/avo/operand"

func (a *x86) add(x, y value) value {
	v := a.vec()
	a.VADDPS(y, x, v)
	return v
}

func (a *x86) sub(x, y value) value {
	v := a.vec()
	a.VSUBPS(y, x, v)
	return v
}

func (a *x86) mul(x, y value) value {
	v := a.vec()
	a.VMULPS(y, x, v)
	return v
}

func (a *x86) div(x, y value) value {
	v := a.vec()
	a.VDIVPS(y, x, v)
	return v
}

func (a *x86) min(x, y value) value {
	v := a.vec()
	a.VMINPS(y, x, v)
	return v
}

func (a *x86) sqrt(x value) value {
	v := a.vec()
	a.VSQRTPS(x, v)
	return v
}

// positive takes x, the second operand of the maximum, for a NaN and for -0.
func (a *x86) positive(x value) value {
	v := a.nothing()
	a.VMAXPS(x, v, v)
	return v
}

func (a *x86) and(x, y value) value {
	v := a.vec()
	a.VANDPS(y, x, v)
	return v
}

func (a *x86) or(x, y value) value {
	v := a.vec()
	a.VORPS(y, x, v)
	return v
}

func (a *x86) xor(x, y value) value {
	v := a.vec()
	a.VXORPS(y, x, v)
	return v
}

func (a *x86) get(m value) value {
	v := a.vec()
	a.VMOVUPS(m, v)
	return v
}

func (a *x86) set(v, c value) { a.VMOVUPS(c, v) }

func (a *x86) copy(x value) value {
	v := a.vec()
	a.VMOVAPS(x, v)
	return v
}

func (a *x86) zero(v value) { a.VXORPS(v, v, v) }

func (a *x86) nothing() value {
	v := a.vec()
	a.zero(v)
	return v
}

func (a *x86) plus(x, y value) { a.VADDPS(y, x, x) }

func (a *x86) larger(x, y value) { a.VMAXPS(x, y, x) }

func (a *x86) mulAdd(p, x, c value) { a.VFMADD213PS(c, x, p) }

func (a *x86) addMul(acc, x, y value) { a.VFMADD231PS(y, x, acc) }

func (a *x86) subMul(acc, x, y value) { a.VFNMADD231PS(y, x, acc) }

func (a *x86) addInt(x, y value) value {
	v := a.vec()
	a.VPADDD(y, x, v)
	return v
}

func (a *x86) increase(x, y value) { a.VPADDD(y, x, x) }

func (a *x86) shiftLeft(x value, by uint8) value {
	v := a.vec()
	a.VPSLLD(operand.U8(by), x, v)
	return v
}

func (a *x86) shiftRight(x value, by uint8) value {
	v := a.vec()
	a.VPSRLD(operand.U8(by), x, v)
	return v
}

func (a *x86) compare(x value, p predicate, y value) mask {
	if a.wide {
		k := a.K()
		a.VCMPPS(operand.U8(p), y, x, k)
		return mask{reg: k}
	}
	v := a.vec()
	a.VCMPPS(operand.U8(p), y, x, v)
	return mask{reg: v}
}

func (a *x86) blend(m mask, x, y value) value {
	v := a.vec()
	if a.wide {
		a.VBLENDMPS(x, y, m.reg, v)
	} else {
		a.VBLENDVPS(m.reg, x, y, v)
	}
	return v
}

func (a *x86) keep(m mask, x value) value {
	v := a.vec()
	if a.wide {
		a.VMOVAPS_Z(x, m.reg, v)
	} else {
		a.VANDPS(m.reg, x, v)
	}
	return v
}
