package main

import "strings"

// reduction writes a sum over the slices named into unroll blocks of lanes.
func (a *asm) reduction(names string, unroll int, body func(acc value, p []value)) {
	first, _, _ := strings.Cut(names, " ")
	p, n := a.slices(names), a.length(first)
	sums := a.partials(unroll, a.zero)
	a.start()
	a.result(a.reduce(n, sums, a.plus, func(acc value) { body(acc, p) }))
}

func dot(a *asm) {
	a.reduction("a b", 4, func(acc value, p []value) {
		a.addMul(acc, a.load(p[0]), a.load(p[1]))
	})
}

func sum(a *asm) {
	a.reduction("x", 4, func(acc value, p []value) { a.plus(acc, a.load(p[0])) })
}

func maximum(a *asm) {
	low := a.bits(minusInf)
	p, n := a.slice("x"), a.length("x")
	largest := a.partials(4, func(v value) { a.set(v, low) })
	a.start()
	a.result(a.reduce(n, largest, a.larger, func(acc value) { a.larger(acc, a.loadOr(p, low)) }))
}

func sumSquaredDiff(a *asm) {
	mean := a.scalar("mean")
	a.reduction("x", 4, func(acc value, p []value) {
		d := a.valid(a.sub(a.load(p[0]), mean))
		a.addMul(acc, d, d)
	})
}

func dotCentered(a *asm) {
	mean := a.scalar("mean")
	a.reduction("dy w x", 4, func(acc value, p []value) {
		a.addMul(acc, a.mul(a.load(p[0]), a.load(p[1])), a.sub(a.load(p[2]), mean))
	})
}

func softmaxExp(a *asm) {
	m := a.scalar("m")
	a.reduction("dst x", 1, func(acc value, p []value) {
		e := a.exp(a.sub(a.load(p[1]), m))
		a.store(e, p[0])
		a.plus(acc, a.valid(e))
	})
}

func sumExp(a *asm) {
	m := a.scalar("m")
	a.reduction("x", 1, func(acc value, p []value) {
		a.plus(acc, a.valid(a.exp(a.sub(a.load(p[0]), m))))
	})
}

// The conversions leave an incomplete last block to Go: AVX2 has no masks for 16-bit elements.

func (a *asm) conversion(count string, body func(dst, src value)) {
	p, n := a.slices("dst src"), a.length(count)
	a.start()
	a.each(n, false, func() { body(p[0], p[1]) })
	a.end()
}

func f16ToF32(a *asm) {
	a.conversion("dst", func(dst, src value) { a.store(a.loadHalf(src), dst) })
}

func bf16ToF32(a *asm) {
	a.conversion("dst", func(dst, src value) { a.store(a.loadBrain(src), dst) })
}

func f32ToF16(a *asm) {
	a.conversion("src", func(dst, src value) { a.storeHalf(a.load(src), dst) })
}

func f32ToBF16(a *asm) {
	a.conversion("src", func(dst, src value) {
		x := a.load(src)
		odd := a.shiftRight(x, 16)
		r := a.addInt(a.addInt(x, a.bits(0x7fff)), a.and(odd, a.bits(1)))
		r = a.blend(a.compare(x, unordered, x), a.or(x, a.bits(quiet)), r)
		a.storeUpper(r, dst)
	})
}
