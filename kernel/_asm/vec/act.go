package main

func (a *asm) silu(x value) value     { return a.gate(x, x) }
func (a *asm) siluGrad(x value) value { return a.gateGrad(x, x) }

func (a *asm) quickGELU(x value) value {
	return a.gate(x, a.mul(x, a.constant(geluSlope)))
}

func (a *asm) quickGELUGrad(x value) value {
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

func (a *asm) geluTanh(x value) value {
	z := a.horner(a.mul(x, x), tanhCubic, tanhSlope)
	return a.gate(x, a.mul(z, x))
}

func (a *asm) geluTanhGrad(x value) value {
	s := a.mul(x, x)
	z, dz := a.horner(s, tanhCubic, tanhSlope), a.horner(s, tanhCubic3, tanhSlope)
	return a.gateGrad(a.mul(z, x), a.mul(dz, x))
}

func (a *asm) gelu(x value) value {
	e := a.erf(a.mul(x, a.constant(invSqrt2)))
	h := a.mul(x, a.constant(0.5))
	a.mulAdd(e, h, h)
	return e
}

func (a *asm) geluGrad(x value) value {
	cdf := a.erf(a.mul(x, a.constant(invSqrt2)))
	a.mulAdd(cdf, a.get(a.constant(0.5)), a.constant(0.5))
	pdf := a.mul(a.exp(a.mul(a.mul(x, x), a.constant(-0.5))), a.constant(invSqrt2Pi))
	a.addMul(cdf, x, pdf)
	return cdf
}

func (a *asm) relu(x value) value { return a.positive(x) }

func reluGrad(a *asm) {
	zero := a.nothing()
	a.elementwise("dx dy x", func(p []value) {
		dy := a.keep(a.compare(a.load(p[2]), notLessOrEqual, zero), a.load(p[1]))
		a.store(a.add(a.load(p[0]), dy), p[0])
	})
}

func swiGLU(a *asm) {
	a.elementwise("dst x up", func(p []value) {
		a.store(a.mul(a.silu(a.load(p[1])), a.load(p[2])), p[0])
	})
}

func swiGLUGrad(a *asm) {
	a.elementwise("dgate dup dy x up", func(p []value) {
		x, dy := a.load(p[3]), a.load(p[2])
		s := a.sigmoid(x)
		a.accumulate(p[1], a.mul(x, s[0]), dy)
		a.accumulate(p[0], a.slope(s, x), a.mul(dy, a.load(p[4])))
	})
}

func swiGLUGateGrad(a *asm) {
	a.elementwise("dgate dy x up", func(p []value) {
		a.accumulate(p[0], a.siluGrad(a.load(p[2])), a.mul(a.load(p[1]), a.load(p[3])))
	})
}

func swiGLUUpGrad(a *asm) {
	a.elementwise("dup dy x", func(p []value) {
		a.accumulate(p[0], a.silu(a.load(p[2])), a.load(p[1]))
	})
}
