package main

import (
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (a *asm) plus(x, y reg.VecVirtual) { a.VADDPS(y, x, x) }

// larger keeps x, which is no NaN, when y is one.
func (a *asm) larger(x, y reg.VecVirtual) { a.VMAXPS(x, y, x) }

// reduction writes a sum over the slices named into unroll blocks of lanes.
func (a *asm) reduction(names string, unroll int, body func(acc reg.VecVirtual, p []reg.Register)) {
	first, _, _ := strings.Cut(names, " ")
	p, n := a.slices(names), a.len(first)
	sums := a.partials(unroll, a.zero)
	a.start()
	a.result(a.reduce(n, sums, a.plus, func(acc reg.VecVirtual) { body(acc, p) }))
}

func dot(a *asm) {
	a.reduction("a b", 4, func(acc reg.VecVirtual, p []reg.Register) {
		a.addMul(acc, a.load(p[0]), a.load(p[1]))
	})
}

func sum(a *asm) {
	a.reduction("x", 4, func(acc reg.VecVirtual, p []reg.Register) { a.plus(acc, a.load(p[0])) })
}

func maximum(a *asm) {
	low := a.bits(minusInf)
	p, n := a.slice("x"), a.len("x")
	largest := a.partials(4, func(v reg.VecVirtual) { a.VMOVUPS(low, v) })
	a.start()
	a.result(a.reduce(n, largest, a.larger, func(acc reg.VecVirtual) { a.larger(acc, a.loadOr(p, low)) }))
}

func sumSquaredDiff(a *asm) {
	mean := a.scalar("mean")
	a.reduction("x", 4, func(acc reg.VecVirtual, p []reg.Register) {
		d := a.valid(a.sub(a.load(p[0]), mean))
		a.addMul(acc, d, d)
	})
}

func dotCentered(a *asm) {
	mean := a.scalar("mean")
	a.reduction("dy w x", 4, func(acc reg.VecVirtual, p []reg.Register) {
		a.addMul(acc, a.mul(a.load(p[0]), a.load(p[1])), a.sub(a.load(p[2]), mean))
	})
}

func softmaxExp(a *asm) {
	m := a.scalar("m")
	a.reduction("dst x", 1, func(acc reg.VecVirtual, p []reg.Register) {
		e := a.exp(a.sub(a.load(p[1]), m))
		a.store(e, p[0])
		a.plus(acc, a.valid(e))
	})
}

func sumExp(a *asm) {
	m := a.scalar("m")
	a.reduction("x", 1, func(acc reg.VecVirtual, p []reg.Register) {
		a.plus(acc, a.valid(a.exp(a.sub(a.load(p[0]), m))))
	})
}

// The conversions leave an incomplete last block to Go: AVX2 has no masks for 16-bit elements.

func (a *asm) conversion(count string, body func(dst, src reg.Register)) {
	p, n := a.slices("dst src"), a.len(count)
	a.start()
	a.each(n, false, func() { body(p[0], p[1]) })
	a.end()
}

func f16ToF32(a *asm) {
	a.conversion("dst", func(dst, src reg.Register) {
		v := a.vec()
		a.VCVTPH2PS(a.at(src, 2), v)
		a.store(v, dst)
	})
}

func bf16ToF32(a *asm) {
	a.conversion("dst", func(dst, src reg.Register) {
		v := a.vec()
		a.VPMOVZXWD(a.at(src, 2), v)
		a.VPSLLD(operand.U8(16), v, v)
		a.store(v, dst)
	})
}

func f32ToF16(a *asm) {
	a.conversion("src", func(dst, src reg.Register) {
		a.VCVTPS2PH(operand.U8(0), a.load(src), a.at(dst, 2))
	})
}

func f32ToBF16(a *asm) {
	a.conversion("src", func(dst, src reg.Register) {
		x := a.load(src)
		odd := a.vec()
		a.VPSRLD(operand.U8(16), x, odd)
		r := a.add32(a.add32(x, a.bits(0x7fff)), a.and(odd, a.bits(1)))
		r = a.blend(a.compare(x, unordered, x), a.or(x, a.bits(quiet)), r)
		a.VPSRLD(operand.U8(16), r, r)
		a.storeWords(r, a.at(dst, 2))
	})
}

func (a *asm) add32(x reg.VecVirtual, y operand.Op) reg.VecVirtual {
	v := a.vec()
	a.VPADDD(y, x, v)
	return v
}

// storeWords stores the lower halves of 32-bit lanes whose upper halves are 0.
func (a *asm) storeWords(v reg.VecVirtual, m operand.Mem) {
	if a.wide {
		a.VPMOVDW(v, m)
		return
	}
	a.VPACKUSDW(v, v, v)
	a.VPERMQ(operand.U8(0xd8), v, v)
	a.VMOVDQU(v.AsX(), m)
}
