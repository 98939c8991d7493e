package main

import "strings"

// kernel is one function of package kernel: name and parameters of the Go
// reference, less its suffix Generic, and what writes the assembly.
type kernel struct {
	signature string
	write     func(a *asm)
}

var kernels = []kernel{
	{"add(dst, a, b []float32)", binary((*asm).add)},
	{"mul(dst, a, b []float32)", binary((*asm).mul)},
	{"mulAdd(dst, a, b []float32)", mulAdd},
	{"scale(dst, a []float32, s float32)", scale},
	{"axpy(dst, x []float32, a float32)", axpy},

	{"dot(a, b []float32) float32", dot},
	{"sum(x []float32) float32", sum},
	{"maximum(x []float32) float32", maximum},
	{"sumSquaredDiff(x []float32, mean float32) float32", sumSquaredDiff},
	{"dotCentered(dy, w, x []float32, mean float32) float32", dotCentered},

	{"exp(dst, x []float32)", unary((*asm).exp)},
	{"tanh(dst, x []float32)", unary((*asm).tanh)},
	{"erf(dst, x []float32)", unary((*asm).erf)},

	{"silu(dst, x []float32)", unary((*asm).silu)},
	{"siluGrad(dx, dy, x []float32)", gradient((*asm).siluGrad)},
	{"gelu(dst, x []float32)", unary((*asm).gelu)},
	{"geluGrad(dx, dy, x []float32)", gradient((*asm).geluGrad)},
	{"geluTanh(dst, x []float32)", unary((*asm).geluTanh)},
	{"geluTanhGrad(dx, dy, x []float32)", gradient((*asm).geluTanhGrad)},
	{"quickGELU(dst, x []float32)", unary((*asm).quickGELU)},
	{"quickGELUGrad(dx, dy, x []float32)", gradient((*asm).quickGELUGrad)},
	{"relu(dst, x []float32)", unary((*asm).relu)},
	{"reluGrad(dx, dy, x []float32)", reluGrad},
	{"swiGLU(dst, x, up []float32)", swiGLU},
	{"swiGLUGrad(dgate, dup, dy, x, up []float32)", swiGLUGrad},
	{"swiGLUGateGrad(dgate, dy, x, up []float32)", swiGLUGateGrad},
	{"swiGLUUpGrad(dup, dy, x []float32)", swiGLUUpGrad},

	{"softmaxExp(dst, x []float32, m float32) float32", softmaxExp},
	{"sumExp(x []float32, m float32) float32", sumExp},

	{"rmsScale(dst, x, w []float32, inv float32)", rmsScale},
	{"normalize(dst, x []float32, mean, inv float32)", normalize},
	{"normAffine(dst, x, w, b []float32, mean, inv float32)", normAffine},
	{"normGrad(dx, dy, w, x []float32, a, c, mean, k float32)", normGrad},
	{"normWeightGrad(dw, dy, x []float32, mean, inv float32)", normWeightGrad},

	{"rope(lo, hi, cos, sin []float32, sign float32)", rope},
	{"adamW(w, m, v, g []float32, gradScale, blend1, beta2, blend2, unbias2, eps, decay, step float32)", adamW},

	{"f16ToF32(dst []float32, src []byte)", f16ToF32},
	{"bf16ToF32(dst []float32, src []byte)", bf16ToF32},
	{"f32ToF16(dst []byte, src []float32)", f32ToF16},
	{"f32ToBF16(dst []byte, src []float32)", f32ToBF16},
}

// slices loads the base pointers of slice parameters.
func (a *asm) slices(names string) []value {
	var p []value
	for _, n := range strings.Fields(names) {
		p = append(p, a.slice(n))
	}
	return p
}

// elementwise writes a kernel over the elements of the slices named, of the first one's length.
func (a *asm) elementwise(names string, body func(p []value)) {
	first, _, _ := strings.Cut(names, " ")
	p, n := a.slices(names), a.length(first)
	a.start()
	a.each(n, true, func() { body(p) })
	a.end()
}

func unary(f func(a *asm, x value) value) func(*asm) {
	return func(a *asm) {
		a.elementwise("dst x", func(p []value) { a.store(f(a, a.load(p[1])), p[0]) })
	}
}

func binary(f func(a *asm, x value, y value) value) func(*asm) {
	return func(a *asm) {
		a.elementwise("dst a b", func(p []value) {
			a.store(f(a, a.load(p[1]), a.load(p[2])), p[0])
		})
	}
}

// gradient writes dx += dy·f(x).
func gradient(f func(a *asm, x value) value) func(*asm) {
	return func(a *asm) {
		a.elementwise("dx dy x", func(p []value) {
			a.accumulate(p[0], f(a, a.load(p[2])), a.load(p[1]))
		})
	}
}

// accumulate adds x·y to the elements at p.
func (a *asm) accumulate(p value, x, y value) {
	d := a.load(p)
	a.addMul(d, x, y)
	a.store(d, p)
}

func mulAdd(a *asm) {
	a.elementwise("dst a b", func(p []value) {
		a.accumulate(p[0], a.load(p[1]), a.load(p[2]))
	})
}

func scale(a *asm) {
	s := a.scalar("s")
	a.elementwise("dst a", func(p []value) { a.store(a.mul(a.load(p[1]), s), p[0]) })
}

func axpy(a *asm) {
	s := a.scalar("a")
	a.elementwise("dst x", func(p []value) { a.accumulate(p[0], a.load(p[1]), s) })
}

func rmsScale(a *asm) {
	inv := a.scalar("inv")
	a.elementwise("dst x w", func(p []value) {
		a.store(a.mul(a.mul(a.load(p[1]), inv), a.load(p[2])), p[0])
	})
}

func normalize(a *asm) {
	mean, inv := a.scalar("mean"), a.scalar("inv")
	a.elementwise("dst x", func(p []value) {
		a.store(a.mul(a.sub(a.load(p[1]), mean), inv), p[0])
	})
}

func normAffine(a *asm) {
	mean, inv := a.scalar("mean"), a.scalar("inv")
	a.elementwise("dst x w b", func(p []value) {
		y := a.mul(a.sub(a.load(p[1]), mean), inv)
		a.mulAdd(y, a.load(p[2]), a.load(p[3]))
		a.store(y, p[0])
	})
}

func normGrad(a *asm) {
	s, c, mean, k := a.scalar("a"), a.scalar("c"), a.scalar("mean"), a.scalar("k")
	a.elementwise("dx dy w x", func(p []value) {
		t := a.sub(a.load(p[3]), mean)
		a.mulAdd(t, c, k)
		a.addMul(t, a.mul(a.load(p[1]), a.load(p[2])), s)
		a.store(a.add(a.load(p[0]), t), p[0])
	})
}

func normWeightGrad(a *asm) {
	mean, inv := a.scalar("mean"), a.scalar("inv")
	a.elementwise("dw dy x", func(p []value) {
		a.accumulate(p[0], a.mul(a.sub(a.load(p[2]), mean), inv), a.load(p[1]))
	})
}

func rope(a *asm) {
	sign := a.scalar("sign")
	a.elementwise("lo hi cos sin", func(p []value) {
		x, y, c := a.load(p[0]), a.load(p[1]), a.load(p[2])
		s := a.mul(a.load(p[3]), sign)
		lo, hi := a.mul(x, c), a.mul(y, c)
		a.subMul(lo, y, s)
		a.addMul(hi, x, s)
		a.store(lo, p[0])
		a.store(hi, p[1])
	})
}

func adamW(a *asm) {
	gradScale, blend1, beta2, blend2 := a.scalar("gradScale"), a.scalar("blend1"), a.scalar("beta2"), a.scalar("blend2")
	unbias2, eps, decay, step := a.scalar("unbias2"), a.scalar("eps"), a.scalar("decay"), a.scalar("step")
	a.elementwise("w m v g", func(p []value) {
		d, m := a.mul(a.load(p[3]), gradScale), a.load(p[1])
		a.addMul(m, a.sub(d, m), blend1)
		a.store(m, p[1])
		v := a.mul(a.load(p[2]), beta2)
		a.addMul(v, a.mul(blend2, d), d)
		a.store(v, p[2])
		den := a.sqrt(v)
		a.mulAdd(den, unbias2, eps)
		w := a.mul(a.load(p[0]), decay)
		a.addMul(w, a.div(m, den), step)
		a.store(w, p[0])
	})
}
