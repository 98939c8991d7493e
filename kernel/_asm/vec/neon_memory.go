package main

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel/_asm/a64"
)

func (a *neon) slice(name string) value {
	p := a.newPointer(4)
	a.op("MOVD %s_base+%d(FP), %s", name, a.params[name], p.Asm())
	a.pointers = append(a.pointers, p)
	return p
}

func (a *neon) length(name string) value {
	p := a.newPointer(1)
	a.op("MOVD %s_len+%d(FP), %s", name, a.params[name]+8, p.Asm())
	return p
}

func (a *neon) scalar(name string) value {
	v := a.vec()
	a.op("MOVWU %s+%d(FP), %s", name, a.params[name], a.scratch.Asm())
	a.one(func(d int) string { return a64.DupR(d, a.scratch.Asm()) }, v)
	return v
}

func (a *neon) bits(v uint32) value { return bits32(v) }

// offset is that of the current part from a pointer.
func (a *neon) offset(p *pointer) int { return (a.disp + 4*a.part) * p.size }

func (a *neon) load(p value) value {
	v, at := a.vec(), p.(*pointer)
	if a.rest != nil {
		a.loadRest(v, at)
		return v
	}
	a.access(a64.Load, v, at)
	return v
}

func (a *neon) store(v, p value) {
	if a.rest != nil {
		a.storeRest(v.(*register), p.(*pointer))
		return
	}
	a.access(a64.Store, v.(*register), p.(*pointer))
}

// access writes a load or store of the current part.
func (a *neon) access(f func(v, offset int, base string) string, v *register, p *pointer) {
	offset := a.offset(p)
	a.one(func(d int) string { return f(d, offset, p.Asm()) }, v)
}

// loadRest reads 1 to 3 elements.
func (a *neon) loadRest(v *register, p *pointer) {
	done := a.newLabel("loaded")
	a.access(a64.Load4, v, p)
	a.jump(done, "TBZ $1, %s,", a.rest.Asm())
	a.access(a64.Load8, v, p)
	a.jump(done, "TBZ $0, %s,", a.rest.Asm())
	a.lane(a64.LoadLane, v, p)
	a.label(done)
}

// storeRest writes 1 to 3 elements.
func (a *neon) storeRest(v *register, p *pointer) {
	one, done := a.newLabel("one"), a.newLabel("stored")
	a.jump(one, "TBZ $1, %s,", a.rest.Asm())
	a.access(a64.Store8, v, p)
	a.jump(done, "TBZ $0, %s,", a.rest.Asm())
	a.lane(a64.StoreLane, v, p)
	a.jump(done, "B")
	a.label(one)
	a.access(a64.Store4, v, p)
	a.label(done)
}

// lane moves the third element.
func (a *neon) lane(f func(v, lane int, base string) string, v *register, p *pointer) {
	a.op("ADD $%d, %s, %s", a.offset(p)+8, p.Asm(), a.scratch.Asm())
	a.one(func(d int) string { return f(d, 2, a.scratch.Asm()) }, v)
}

func (a *neon) loadOr(p, c value) value {
	v := a.load(p)
	if a.rest != nil {
		return a.blend(mask{reg: a.restMask()}, v, a.get(c))
	}
	return v
}

func (a *neon) valid(v value) value {
	if a.rest != nil {
		return a.keep(mask{reg: a.restMask()}, v)
	}
	return v
}

// restMask selects the elements that are left.
func (a *neon) restMask() *register {
	if a.inside == nil {
		a.inside, a.indexed = a.vec(), true
		a.op("ADD $%d, %s, %s", maskBytes/2, a.index.Asm(), a.scratch.Asm())
		a.op("SUB %s<<2, %s, %s", a.rest.Asm(), a.scratch.Asm(), a.scratch.Asm())
		a.one(func(d int) string { return a64.Load(d, 0, a.scratch.Asm()) }, a.inside)
	}
	return a.inside
}

// half says that p is the address of 16-bit elements.
func half(p value) *pointer {
	h := p.(*pointer)
	h.size = 2
	return h
}

func (a *neon) loadHalf(p value) value  { return a.widened(a64.FCVTL, p) }
func (a *neon) loadBrain(p value) value { return a.widened(a64.SHLL, p) }

func (a *neon) widened(f func(d, n int) string, p value) value {
	v := a.vec()
	a.access(a64.Load8, v, half(p))
	a.two(f, v, v)
	return v
}

func (a *neon) storeHalf(v, p value)  { a.narrowed(a64.FCVTN, v, p) }
func (a *neon) storeUpper(v, p value) { a.narrowed(a64.SHRN, v, p) }

func (a *neon) narrowed(f func(d, n int) string, v, p value) {
	low := a.vec()
	a.two(f, low, v)
	a.access(a64.Store8, low, half(p))
}

// advance moves the pointers on by so many elements.
func (a *neon) advance(elements int) {
	for _, p := range a.pointers {
		a.op("ADD $%d, %s", elements*p.size, p.Asm())
	}
}

func (a *neon) result(x value) {
	ret := fmt.Sprintf("ret+%d(FP)", a.params["ret"])
	a.one(func(d int) string { return fmt.Sprintf("FMOVS F%d, %s", d, ret) }, x.(*register))
	a.end()
}

func (a *neon) end() { a.op("RET") }
