package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Operands are in the order of the formula: sub(x, y) is x-y. One of type operand.Op may be in memory.

func (a *asm) add(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VADDPS(y, x, v)
	return v
}

func (a *asm) sub(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VSUBPS(y, x, v)
	return v
}

func (a *asm) mul(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VMULPS(y, x, v)
	return v
}

func (a *asm) div(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VDIVPS(y, x, v)
	return v
}

// min returns the smaller one, and y when either is NaN.
func (a *asm) min(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VMINPS(y, x, v)
	return v
}

func (a *asm) and(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VANDPS(y, x, v)
	return v
}

func (a *asm) or(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VORPS(y, x, v)
	return v
}

func (a *asm) xor(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VXORPS(y, x, v)
	return v
}

// get copies a constant into a register.
func (a *asm) get(m operand.Mem) reg.VecVirtual {
	v := a.vec()
	a.VMOVUPS(m, v)
	return v
}

// mulAdd replaces p by p·x + c, rounded once.
func (a *asm) mulAdd(p, x reg.VecVirtual, c operand.Op) { a.VFMADD213PS(c, x, p) }

// addMul replaces acc by acc + x·y, rounded once.
func (a *asm) addMul(acc, x reg.VecVirtual, y operand.Op) { a.VFMADD231PS(y, x, acc) }

// subMul replaces acc by acc - x·y, rounded once.
func (a *asm) subMul(acc, x reg.VecVirtual, y operand.Op) { a.VFNMADD231PS(y, x, acc) }

// horner evaluates the polynomial in x, highest coefficient first.
func (a *asm) horner(x reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := a.get(a.constant(c[0]))
	for _, v := range c[1:] {
		a.mulAdd(p, x, a.constant(v))
	}
	return p
}

// Predicates of VCMPPS.
const (
	unordered      = 3
	notLess        = 5    // also true for NaNs
	notLessOrEqual = 6    // also true for NaNs
	greater        = 0x1e // false for NaNs
)

func (a *asm) compare(x reg.VecVirtual, predicate uint8, y operand.Op) mask {
	if a.wide {
		k := a.K()
		a.VCMPPS(operand.U8(predicate), y, x, k)
		return mask{k}
	}
	v := a.vec()
	a.VCMPPS(operand.U8(predicate), y, x, v)
	return mask{v}
}

// blend takes x where m is set and y elsewhere.
func (a *asm) blend(m mask, x, y reg.VecVirtual) reg.VecVirtual {
	v := a.vec()
	if a.wide {
		a.VBLENDMPS(x, y, m.reg, v)
	} else {
		a.VBLENDVPS(m.reg, x, y, v)
	}
	return v
}

// keep takes x where m is set and 0 elsewhere.
func (a *asm) keep(m mask, x reg.VecVirtual) reg.VecVirtual {
	v := a.vec()
	if a.wide {
		a.VMOVAPS_Z(x, m.reg, v)
	} else {
		a.VANDPS(m.reg, x, v)
	}
	return v
}
