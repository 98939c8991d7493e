package main

// horner evaluates the polynomial in x, highest coefficient first.
func (a *asm) horner(x value, c ...float64) value {
	p := a.get(a.constant(c[0]))
	for _, v := range c[1:] {
		a.mulAdd(p, x, a.constant(v))
	}
	return p
}

const (
	signBit   = 0x80000000
	one       = 0x3f800000
	infinity  = 0x7f800000
	minusInf  = 0xff800000
	quiet     = 0x00400000
	magnitude = 0x7fffffff
)

// expReduced is the function of that name in vec_math.go.
func (a *asm) expReduced(x value) (q, n value) {
	t := a.get(a.constant(1.44269504088896341))
	a.mulAdd(t, x, a.constant(12582912))
	k := a.sub(t, a.constant(12582912))
	r := a.copy(x)
	a.subMul(r, k, a.constant(0.693359375))
	a.subMul(r, k, a.constant(-2.12194440e-4))
	q = a.horner(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
		4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	a.mulAdd(q, a.mul(r, r), r)
	return q, a.shiftLeft(t, 23)
}

func (a *asm) exp(x value) value {
	q, n := a.expReduced(x)
	y := a.add(q, a.constant(1))
	a.increase(y, n)
	y = a.keep(a.compare(x, notLess, a.constant(-87.33654022216797)), y)
	return a.blend(a.compare(x, notLessOrEqual, a.constant(88.72283172607422)), a.add(x, a.bits(infinity)), y)
}

func (a *asm) tanh(x value) value {
	abs := a.and(x, a.bits(magnitude))
	e := a.min(a.get(a.constant(18.1)), a.add(abs, abs))
	q, s := a.expReduced(e)
	a.increase(s, a.bits(one))
	a.mulAdd(q, s, a.sub(s, a.constant(1)))
	return a.or(a.div(q, a.add(q, a.constant(2))), a.and(x, a.bits(signBit)))
}

func (a *asm) erf(x value) value {
	abs := a.and(x, a.bits(magnitude))
	s := a.mul(x, x)
	r := a.horner(abs, -1.72853470e-5, 3.83197126e-4)
	u := a.horner(abs, -3.88396438e-3, 2.42546219e-2)
	a.mulAdd(r, s, u)
	for _, c := range []float64{-1.06777877e-1, -6.34846687e-1, -1.28717512e-1} {
		a.mulAdd(r, abs, a.constant(c))
	}
	a.mulAdd(r, abs, a.or(abs, a.bits(signBit)))
	large := a.or(a.sub(a.get(a.constant(1)), a.exp(r)), a.and(x, a.bits(signBit)))

	small := a.horner(s, -5.96761703e-4, 4.99119423e-3, -2.67681349e-2,
		1.12819925e-1, -3.76125336e-1, 1.28379166e-1)
	a.mulAdd(small, x, x)
	return a.blend(a.compare(abs, greater, a.constant(0.927734375)), large, small)
}

func (a *asm) negate(x value) value { return a.xor(x, a.bits(signBit)) }

// gate returns x·σ(z).
func (a *asm) gate(x, z value) value {
	return a.div(x, a.add(a.exp(a.negate(z)), a.constant(1)))
}

// gateGrad returns the derivative of x·σ(z) given x·dz/dx.
func (a *asm) gateGrad(z, xdz value) value { return a.slope(a.sigmoid(z), xdz) }

// sigmoid returns σ(z) and 1-σ(z), each to full relative accuracy for |z| <= gateClamp.
func (a *asm) sigmoid(z value) [2]value {
	e := a.exp(a.min(a.get(a.constant(gateClamp)), a.negate(z)))
	s := a.div(a.get(a.constant(1)), a.add(e, a.constant(1)))
	return [2]value{s, a.mul(e, s)}
}

func (a *asm) slope(sigmoid [2]value, xdz value) value {
	t := a.copy(sigmoid[1])
	a.mulAdd(t, xdz, a.constant(1))
	return a.mul(sigmoid[0], t)
}
