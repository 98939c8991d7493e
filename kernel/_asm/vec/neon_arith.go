package main

import "github.com/fovea-ml/fovea/kernel/_asm/a64"

func (a *neon) binary(f func(d, n, m int) string, x, y value) value {
	v := a.vec()
	a.three(f, v, x, y)
	return v
}

func (a *neon) add(x, y value) value { return a.binary(a64.FADD, x, y) }
func (a *neon) sub(x, y value) value { return a.binary(a64.FSUB, x, y) }
func (a *neon) mul(x, y value) value { return a.binary(a64.FMUL, x, y) }
func (a *neon) div(x, y value) value { return a.binary(a64.FDIV, x, y) }
func (a *neon) min(x, y value) value { return a.binary(a64.FMIN, x, y) }

func (a *neon) and(x, y value) value    { return a.binary(a64.AND, x, y) }
func (a *neon) or(x, y value) value     { return a.binary(a64.ORR, x, y) }
func (a *neon) xor(x, y value) value    { return a.binary(a64.EOR, x, y) }
func (a *neon) addInt(x, y value) value { return a.binary(a64.ADD, x, y) }
func (a *neon) increase(x, y value)     { a.three(a64.ADD, x, x, y) }

func (a *neon) sqrt(x value) value {
	v := a.vec()
	a.two(a64.FSQRT, v, x)
	return v
}

// positive keeps a NaN and -0, which are not less than 0.
func (a *neon) positive(x value) value {
	v := a.vec()
	a.two(a64.FCMLT0, v, x)
	a.three(a64.BIC, v, x, v)
	return v
}

// mulAdd adds to c, in a copy that becomes p.
func (a *neon) mulAdd(p, x, c value) {
	sum := a.copy(c)
	a.three(a64.FMLA, sum, p, x)
	p.(*register).virtual = sum.(*register).virtual
}

func (a *neon) addMul(acc, x, y value) { a.three(a64.FMLA, acc, x, y) }
func (a *neon) subMul(acc, x, y value) { a.three(a64.FMLS, acc, x, y) }
func (a *neon) plus(x, y value)        { a.three(a64.FADD, x, x, y) }

func (a *neon) larger(x, y value) {
	m := a.vec()
	a.three(a64.FCMGT, m, y, x)
	a.three(a64.BIT, x, y, m)
}

func (a *neon) shiftLeft(x value, by uint8) value  { return a.shift(a64.SHL, x, by) }
func (a *neon) shiftRight(x value, by uint8) value { return a.shift(a64.USHR, x, by) }

func (a *neon) shift(f func(d, n, by int) string, x value, by uint8) value {
	v := a.vec()
	a.two(func(d, n int) string { return f(d, n, int(by)) }, v, x)
	return v
}

func (a *neon) get(c value) value {
	v := a.vec()
	a.set(v, c)
	return v
}

func (a *neon) set(v, c value) {
	offset := a.consts.at(uint32(c.(bits32)))
	a.indexed = true
	a.one(func(d int) string { return a64.Load(d, offset, a.index.Asm()) }, v.(*register))
}

func (a *neon) copy(x value) value {
	if _, constant := x.(bits32); constant {
		return a.get(x)
	}
	v := a.vec()
	a.two(a64.MOV, v, x)
	a.code[len(a.code)-1].move = true
	return v
}

func (a *neon) zero(v value) { a.one(a64.Zero, v.(*register)) }

func (a *neon) nothing() value {
	v := a.vec()
	a.zero(v)
	return v
}

func (a *neon) compare(x value, p predicate, y value) mask {
	v := a.vec()
	switch p {
	case unordered:
		a.three(a64.FCMEQ, v, x, y)
	case notLess:
		a.three(a64.FCMGT, v, y, x)
	case notLessOrEqual:
		a.three(a64.FCMGE, v, y, x)
	case greater:
		a.three(a64.FCMGT, v, x, y)
	}
	return mask{v, p != greater}
}

func (a *neon) blend(m mask, x, y value) value {
	v, f := a.copy(y), a64.BIT
	if m.unless {
		f = a64.BIF
	}
	a.three(f, v, x, m.reg)
	return v
}

func (a *neon) keep(m mask, x value) value {
	if m.unless {
		return a.binary(a64.BIC, x, m.reg)
	}
	return a.binary(a64.AND, x, m.reg)
}
