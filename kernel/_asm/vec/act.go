package main

import "github.com/mmcloughlin/avo/reg"

func (a *asm) silu(x reg.VecVirtual) reg.VecVirtual     { return a.gate(x, x) }
func (a *asm) siluGrad(x reg.VecVirtual) reg.VecVirtual { return a.gateGrad(x, x) }

func (a *asm) quickGELU(x reg.VecVirtual) reg.VecVirtual {
	return a.gate(x, a.mul(x, a.constant(geluSlope)))
}

func (a *asm) quickGELUGrad(x reg.VecVirtual) reg.VecVirtual {
	z := a.mul(x, a.constant(geluSlope))
	return a.gateGrad(z, z)
}

// The constants of vec_act.go.
const (
	gateClamp  = 88
	geluSlope  = 1.702
	tanhSlope  = 1.5957691216057308
	tanhCubic  = 0.07135481627159
	tanhCubic3 = 3 * tanhCubic
	invSqrt2   = 0.7071067811865476
	invSqrt2Pi = 0.3989422804014327
)

func (a *asm) geluTanh(x reg.VecVirtual) reg.VecVirtual {
	z := a.horner(a.mul(x, x), tanhCubic, tanhSlope)
	return a.gate(x, a.mul(z, x))
}

func (a *asm) geluTanhGrad(x reg.VecVirtual) reg.VecVirtual {
	s := a.mul(x, x)
	z, dz := a.horner(s, tanhCubic, tanhSlope), a.horner(s, tanhCubic3, tanhSlope)
	return a.gateGrad(a.mul(z, x), a.mul(dz, x))
}

func (a *asm) gelu(x reg.VecVirtual) reg.VecVirtual {
	e := a.erf(a.mul(x, a.constant(invSqrt2)))
	h := a.mul(x, a.constant(0.5))
	a.mulAdd(e, h, h)
	return e
}

func (a *asm) geluGrad(x reg.VecVirtual) reg.VecVirtual {
	cdf := a.erf(a.mul(x, a.constant(invSqrt2)))
	a.mulAdd(cdf, a.get(a.constant(0.5)), a.constant(0.5))
	pdf := a.mul(a.exp(a.mul(a.mul(x, x), a.constant(-0.5))), a.constant(invSqrt2Pi))
	a.addMul(cdf, x, pdf)
	return cdf
}

// relu returns the second operand of the maximum for a NaN.
func (a *asm) relu(x reg.VecVirtual) reg.VecVirtual {
	v := a.vec()
	a.zero(v)
	a.VMAXPS(x, v, v)
	return v
}

func reluGrad(a *asm) {
	zero := a.vec()
	a.zero(zero)
	a.elementwise("dx dy x", func(p []reg.Register) {
		dy := a.keep(a.compare(a.load(p[2]), notLessOrEqual, zero), a.load(p[1]))
		a.store(a.add(a.load(p[0]), dy), p[0])
	})
}

func swiGLU(a *asm) {
	a.elementwise("dst x up", func(p []reg.Register) {
		a.store(a.mul(a.silu(a.load(p[1])), a.load(p[2])), p[0])
	})
}

func swiGLUGrad(a *asm) {
	a.elementwise("dgate dup dy x up", func(p []reg.Register) {
		x, dy := a.load(p[3]), a.load(p[2])
		s := a.sigmoid(x)
		a.accumulate(p[1], a.mul(x, s[0]), dy)
		a.accumulate(p[0], a.slope(s, x), a.mul(dy, a.load(p[4])))
	})
}

func swiGLUGateGrad(a *asm) {
	a.elementwise("dgate dy x up", func(p []reg.Register) {
		a.accumulate(p[0], a.siluGrad(a.load(p[2])), a.mul(a.load(p[1]), a.load(p[3])))
	})
}

func swiGLUUpGrad(a *asm) {
	a.elementwise("dup dy x", func(p []reg.Register) {
		a.accumulate(p[0], a.silu(a.load(p[2])), a.load(p[1]))
	})
}
