package kernel

import "math"

// A vecCase is one exported function on slices of one length, and its formula in float64.
// The first outs slices are written. Errors are relative to 1+|want|.
type vecCase struct {
	name      string
	ins, outs int
	tolerance float64
	run       func(s [][]float32) float32
	want      func(s [][]float64) float64
}

const s0, s1, s2 = 0.7, -0.3, 1.25 // scalar arguments

var vecCases = []vecCase{
	{name: "Add", ins: 3, outs: 1, tolerance: 1e-7,
		run:  func(s [][]float32) float32 { Add(s[0], s[1], s[2]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = s[1][i] + s[2][i] })},
	{name: "Mul", ins: 3, outs: 1, tolerance: 1e-7,
		run:  func(s [][]float32) float32 { Mul(s[0], s[1], s[2]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = s[1][i] * s[2][i] })},
	{name: "MulAdd", ins: 3, outs: 1, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { MulAdd(s[0], s[1], s[2]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] += s[1][i] * s[2][i] })},
	{name: "Scale", ins: 2, outs: 1, tolerance: 1e-7,
		run:  func(s [][]float32) float32 { Scale(s[0], s[1], s0); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = s[1][i] * s0 })},
	{name: "Axpy", ins: 2, outs: 1, tolerance: 4e-7,
		run:  func(s [][]float32) float32 { Axpy(s[0], s1, s[1]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] += s1 * s[1][i] })},
	{name: "AddTo", ins: 2, outs: 1, tolerance: 1e-7,
		run:  func(s [][]float32) float32 { AddTo(s[0], s[1]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] += s[1][i] })},

	{name: "Dot", ins: 2, tolerance: 4e-5,
		run:  func(s [][]float32) float32 { return Dot(s[0], s[1]) },
		want: total(func(i int, s [][]float64) float64 { return s[0][i] * s[1][i] })},
	{name: "Sum", ins: 1, tolerance: 1e-5,
		run:  func(s [][]float32) float32 { return Sum(s[0]) },
		want: total(func(i int, s [][]float64) float64 { return s[0][i] })},
	{name: "SumSquares", ins: 1, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { return float32(SumSquares(s[0])) },
		want: total(func(i int, s [][]float64) float64 { return s[0][i] * s[0][i] })},
	{name: "Max", ins: 1, tolerance: 0,
		run:  func(s [][]float32) float32 { return Max(s[0]) },
		want: func(s [][]float64) float64 { return largest(s[0]) }},

	{name: "Exp", ins: 2, outs: 1, tolerance: 2e-7,
		run:  func(s [][]float32) float32 { Exp(s[0], s[1]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = math.Exp(s[1][i]) })},
	{name: "Tanh", ins: 2, outs: 1, tolerance: 2e-7,
		run:  func(s [][]float32) float32 { Tanh(s[0], s[1]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = math.Tanh(s[1][i]) })},
	{name: "Erf", ins: 2, outs: 1, tolerance: 2e-7,
		run:  func(s [][]float32) float32 { Erf(s[0], s[1]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = math.Erf(s[1][i]) })},

	activation("SiLU", SiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }),
	activation("GELU", GELU, func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }),
	activation("GELUTanh", GELUTanh, geluTanh64),
	activation("QuickGELU", QuickGELU, func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) }),
	activation("ReLU", ReLU, func(x float64) float64 { return max(x, 0) }),
	activationGrad("SiLUGrad", SiLUGrad, func(x float64) float64 { return x / (1 + math.Exp(-x)) }),
	activationGrad("GELUGrad", GELUGrad, func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }),
	activationGrad("GELUTanhGrad", GELUTanhGrad, geluTanh64),
	activationGrad("QuickGELUGrad", QuickGELUGrad, func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) }),
	activationGrad("ReLUGrad", ReLUGrad, func(x float64) float64 { return max(x, 0) }),

	{name: "SwiGLU", ins: 3, outs: 1, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { SwiGLU(s[0], s[1], s[2]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = s[1][i] / (1 + math.Exp(-s[1][i])) * s[2][i] })},
	{name: "SwiGLUGrad", ins: 5, outs: 2, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { SwiGLUGrad(s[0], s[1], s[2], s[3], s[4]); return 0 },
		want: swiGLUGrad64(true, true)},
	{name: "SwiGLUGateGrad", ins: 5, outs: 2, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { SwiGLUGrad(s[0], nil, s[2], s[3], s[4]); return 0 },
		want: swiGLUGrad64(true, false)},
	{name: "SwiGLUUpGrad", ins: 5, outs: 2, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { SwiGLUGrad(nil, s[1], s[2], s[3], s[4]); return 0 },
		want: swiGLUGrad64(false, true)},

	{name: "Softmax", ins: 2, outs: 1, tolerance: 3e-7,
		run: func(s [][]float32) float32 { Softmax(s[0], s[1]); return 0 },
		want: func(s [][]float64) float64 {
			sum := expSum(s[0], s[1], largest(s[1]))
			for i := range s[0] {
				s[0][i] /= sum
			}
			return 0
		}},
	{name: "SoftmaxExp", ins: 1, outs: 1, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { return SoftmaxExp(s[0], s2) },
		want: func(s [][]float64) float64 { return expSum(s[0], s[0], s2) }},
	{name: "LogSumExp", ins: 1, tolerance: 5e-7,
		run: func(s [][]float32) float32 { return LogSumExp(s[0]) },
		want: func(s [][]float64) float64 {
			return math.Log(expSum(make([]float64, len(s[0])), s[0], 0))
		}},

	{name: "RMSNorm", ins: 3, outs: 1, tolerance: 1e-6,
		run: func(s [][]float32) float32 { return RMSNorm(s[0], s[1], s[2], 1e-5) },
		want: func(s [][]float64) float64 {
			inv := norm64(s[0], s[1], s[2], nil, 0)
			return inv
		}},
	{name: "RMSNormGrad", ins: 4, outs: 1, tolerance: 2e-6,
		run: func(s [][]float32) float32 { RMSNormGrad(s[0], s[1], s[2], s[3], s0); return 0 },
		want: func(s [][]float64) float64 {
			normGrad64(s[0], s[1], s[2], s[3], 0, s0, false)
			return 0
		}},
	{name: "RMSNormWeightGrad", ins: 3, outs: 1, tolerance: 1e-6,
		run:  func(s [][]float32) float32 { RMSNormWeightGrad(s[0], s[1], s[2], s0); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] += s[1][i] * s[2][i] * s0 })},
	{name: "LayerNorm", ins: 4, outs: 1, tolerance: 2e-6,
		run:  func(s [][]float32) float32 { m, inv := LayerNorm(s[0], s[1], s[2], s[3], 1e-5); return m + inv },
		want: func(s [][]float64) float64 { m := mean64(s[1]); return m + norm64(s[0], s[1], s[2], s[3], m) }},
	{name: "LayerNormPlain", ins: 2, outs: 1, tolerance: 2e-6,
		run:  func(s [][]float32) float32 { m, inv := LayerNorm(s[0], s[1], nil, nil, 1e-5); return m + inv },
		want: func(s [][]float64) float64 { m := mean64(s[1]); return m + norm64(s[0], s[1], nil, nil, m) }},
	{name: "LayerNormWeight", ins: 3, outs: 1, tolerance: 2e-6,
		run:  func(s [][]float32) float32 { m, inv := LayerNorm(s[0], s[1], s[2], nil, 1e-5); return m + inv },
		want: func(s [][]float64) float64 { m := mean64(s[1]); return m + norm64(s[0], s[1], s[2], nil, m) }},
	{name: "LayerNormGrad", ins: 4, outs: 1, tolerance: 2e-6,
		run: func(s [][]float32) float32 { LayerNormGrad(s[0], s[1], s[2], s[3], s1, s0); return 0 },
		want: func(s [][]float64) float64 {
			normGrad64(s[0], s[1], s[2], s[3], s1, s0, true)
			return 0
		}},
	{name: "LayerNormPlainGrad", ins: 3, outs: 1, tolerance: 2e-6,
		run: func(s [][]float32) float32 { LayerNormGrad(s[0], s[1], s[2], nil, s1, s0); return 0 },
		want: func(s [][]float64) float64 {
			normGrad64(s[0], s[1], s[2], nil, s1, s0, true)
			return 0
		}},
	{name: "LayerNormWeightGrad", ins: 4, outs: 2, tolerance: 2e-6,
		run: func(s [][]float32) float32 { LayerNormWeightGrad(s[0], s[1], s[2], s[3], s1, s0); return 0 },
		want: each(func(i int, s [][]float64) {
			s[0][i] += s[2][i] * (s[3][i] - s1) * s0
			s[1][i] += s[2][i]
		})},

	{name: "AdamW", ins: 4, outs: 3, tolerance: 1e-6, run: runAdamW, want: each(adamW64)},
}

func each(f func(i int, s [][]float64)) func(s [][]float64) float64 {
	return func(s [][]float64) float64 {
		for i := range s[0] {
			f(i, s)
		}
		return 0
	}
}

func total(f func(i int, s [][]float64) float64) func(s [][]float64) float64 {
	return func(s [][]float64) float64 {
		var t float64
		for i := range s[0] {
			t += f(i, s)
		}
		return t
	}
}

func activation(name string, f func(dst, x []float32), want func(float64) float64) vecCase {
	return vecCase{name: name, ins: 2, outs: 1, tolerance: 3e-7,
		run:  func(s [][]float32) float32 { f(s[0], s[1]); return 0 },
		want: each(func(i int, s [][]float64) { s[0][i] = want(s[1][i]) })}
}

// activationGrad expects the central difference of the activation.
func activationGrad(name string, f func(dx, dy, x []float32), forward func(float64) float64) vecCase {
	const h = 1e-6
	return vecCase{name: name, ins: 3, outs: 1, tolerance: 1e-6,
		run: func(s [][]float32) float32 { f(s[0], s[1], s[2]); return 0 },
		want: each(func(i int, s [][]float64) {
			x := s[2][i]
			s[0][i] += s[1][i] * (forward(x+h) - forward(x-h)) / (2 * h)
		})}
}

func geluTanh64(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func swiGLUGrad64(gate, up bool) func(s [][]float64) float64 {
	return each(func(i int, s [][]float64) {
		dy, x := s[2][i], s[3][i]
		p := 1 / (1 + math.Exp(-x))
		if gate {
			s[0][i] += dy * s[4][i] * p * (1 + x*(1-p))
		}
		if up {
			s[1][i] += dy * x * p
		}
	})
}

func largest(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func expSum(dst, x []float64, m float64) float64 {
	var t float64
	for i, v := range x {
		dst[i] = math.Exp(v - m)
		t += dst[i]
	}
	return t
}

func mean64(x []float64) float64 {
	var t float64
	for _, v := range x {
		t += v
	}
	return t / float64(len(x))
}

func norm64(dst, x, w, b []float64, mean float64) (inv float64) {
	var t float64
	for _, v := range x {
		t += (v - mean) * (v - mean)
	}
	inv = 1 / math.Sqrt(t/float64(len(x))+1e-5)
	for i, v := range x {
		dst[i] = (v - mean) * inv
		if w != nil {
			dst[i] *= w[i]
		}
		if b != nil {
			dst[i] += b[i]
		}
	}
	return inv
}

// normGrad64 is the textbook gradient, with mean and inv taken as given.
func normGrad64(dx, dy, x, w []float64, mean, inv float64, centered bool) {
	n := float64(len(x))
	g, hat := make([]float64, len(x)), make([]float64, len(x))
	var mg, mgx float64
	for i := range x {
		g[i], hat[i] = dy[i], (x[i]-mean)*inv
		if w != nil {
			g[i] *= w[i]
		}
		mg += g[i] / n
		mgx += g[i] * hat[i] / n
	}
	if !centered {
		mg = 0
	}
	for i := range x {
		dx[i] += inv * (g[i] - mg - hat[i]*mgx)
	}
}

var adamW1 = AdamWParams{
	LR: 1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1,
	Correction1: 1 - 0.9*0.9, Correction2: 1 - 0.999*0.999, GradScale: 0.5,
}

func runAdamW(s [][]float32) float32 {
	for i, v := range s[2] {
		s[2][i] = v * v
	}
	AdamW(s[0], s[1], s[2], s[3], adamW1)
	return 0
}

func adamW64(i int, s [][]float64) {
	p := adamW1
	g := s[3][i] * p.GradScale
	s[2][i] *= s[2][i]
	s[0][i] *= 1 - p.LR*p.WeightDecay
	s[1][i] = p.Beta1*s[1][i] + (1-p.Beta1)*g
	s[2][i] = p.Beta2*s[2][i] + (1-p.Beta2)*g*g
	s[0][i] -= p.LR / p.Correction1 * s[1][i] / (math.Sqrt(s[2][i])/math.Sqrt(p.Correction2) + p.Eps)
}
