package kernel

// SiLU computes dst = x·σ(x), where σ(x) = 1/(1+e⁻ˣ).
func SiLU(dst, x []float32) {
	match("SiLU", len(dst), len(x))
	silu(dst, x)
}

// SiLUGrad computes dx += dy·SiLU'(x).
func SiLUGrad(dx, dy, x []float32) {
	match("SiLUGrad", len(dx), len(dy), len(x))
	siluGrad(dx, dy, x)
}

// GELU computes dst = x·(1+erf(x/√2))/2.
func GELU(dst, x []float32) {
	match("GELU", len(dst), len(x))
	gelu(dst, x)
}

// GELUGrad computes dx += dy·GELU'(x).
func GELUGrad(dx, dy, x []float32) {
	match("GELUGrad", len(dx), len(dy), len(x))
	geluGrad(dx, dy, x)
}

// GELUTanh computes dst = x·(1+tanh(√(2/π)·(x+0.044715x³)))/2.
func GELUTanh(dst, x []float32) {
	match("GELUTanh", len(dst), len(x))
	geluTanh(dst, x)
}

// GELUTanhGrad computes dx += dy·GELUTanh'(x).
func GELUTanhGrad(dx, dy, x []float32) {
	match("GELUTanhGrad", len(dx), len(dy), len(x))
	geluTanhGrad(dx, dy, x)
}

// QuickGELU computes dst = x·σ(1.702x), the activation of OpenAI's CLIP.
func QuickGELU(dst, x []float32) {
	match("QuickGELU", len(dst), len(x))
	quickGELU(dst, x)
}

// QuickGELUGrad computes dx += dy·QuickGELU'(x).
func QuickGELUGrad(dx, dy, x []float32) {
	match("QuickGELUGrad", len(dx), len(dy), len(x))
	quickGELUGrad(dx, dy, x)
}

// ReLU computes dst = max(x, 0); a NaN stays.
func ReLU(dst, x []float32) {
	match("ReLU", len(dst), len(x))
	relu(dst, x)
}

// ReLUGrad computes dx += dy where x is not <= 0.
func ReLUGrad(dx, dy, x []float32) {
	match("ReLUGrad", len(dx), len(dy), len(x))
	reluGrad(dx, dy, x)
}

// SwiGLU computes dst = SiLU(gate)·up.
func SwiGLU(dst, gate, up []float32) {
	match("SwiGLU", len(dst), len(gate), len(up))
	swiGLU(dst, gate, up)
}

// SwiGLUGrad computes dgate += dy·up·SiLU'(gate) and dup += dy·SiLU(gate).
// A nil dgate or dup is left out.
func SwiGLUGrad(dgate, dup, dy, gate, up []float32) {
	match("SwiGLUGrad", len(dy), len(gate), len(up))
	if dgate != nil {
		match("SwiGLUGrad", len(dy), len(dgate))
	}
	if dup != nil {
		match("SwiGLUGrad", len(dy), len(dup))
	}
	switch {
	case dgate != nil && dup != nil:
		swiGLUGrad(dgate, dup, dy, gate, up)
	case dgate != nil:
		swiGLUGateGrad(dgate, dy, gate, up)
	case dup != nil:
		swiGLUUpGrad(dup, dy, gate)
	}
}

const (
	gateClamp  = 88
	geluSlope  = 1.702              // of QuickGELU
	tanhSlope  = 1.5957691216057308 // 2√(2/π): (1+tanh u)/2 = σ(2u)
	tanhCubic  = 0.07135481627159   // tanhSlope · 0.044715
	tanhCubic3 = 3 * tanhCubic
	invSqrt2   = 0.7071067811865476
	invSqrt2Pi = 0.3989422804014327
)

// gate returns x·σ(z).
func gate(x, z float32) float32 { return x / (1 + exp32(-z)) }

// gateGrad returns the derivative of x·σ(z) given x·dz/dx. With e = e⁻ᶻ it takes 1-σ as
// e·σ, which does not cancel; e is kept finite.
func gateGrad(z, xdz float32) float32 {
	if z < -gateClamp {
		z = -gateClamp
	}
	e := exp32(-z)
	s := 1 / (1 + e)
	return s * (xdz*(e*s) + 1)
}

func siluGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = gate(v, v)
	}
}

func siluGradGeneric(dx, dy, x []float32) {
	for i, v := range x {
		dx[i] += dy[i] * gateGrad(v, v)
	}
}

func geluGeneric(dst, x []float32) {
	for i, v := range x {
		h := 0.5 * v
		dst[i] = h*erf32(v*invSqrt2) + h
	}
}

func geluGradGeneric(dx, dy, x []float32) {
	for i, v := range x {
		cdf := 0.5*erf32(v*invSqrt2) + 0.5
		pdf := invSqrt2Pi * exp32(v*v*-0.5)
		dx[i] += dy[i] * (v*pdf + cdf)
	}
}

func geluTanhGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = gate(v, v*(v*v*tanhCubic+tanhSlope))
	}
}

func geluTanhGradGeneric(dx, dy, x []float32) {
	for i, v := range x {
		s := v * v
		dx[i] += dy[i] * gateGrad(v*(s*tanhCubic+tanhSlope), v*(s*tanhCubic3+tanhSlope))
	}
}

func quickGELUGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = gate(v, v*geluSlope)
	}
}

func quickGELUGradGeneric(dx, dy, x []float32) {
	for i, v := range x {
		z := v * geluSlope
		dx[i] += dy[i] * gateGrad(z, z)
	}
}

func reluGeneric(dst, x []float32) {
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		dst[i] = v
	}
}

func reluGradGeneric(dx, dy, x []float32) {
	for i, v := range x {
		if !(v <= 0) {
			dx[i] += dy[i]
		}
	}
}

func swiGLUGeneric(dst, x, up []float32) {
	for i, v := range x {
		dst[i] = gate(v, v) * up[i]
	}
}

func swiGLUGradGeneric(dgate, dup, dy, x, up []float32) {
	for i, v := range x {
		d := dy[i]
		dgate[i] += d * up[i] * gateGrad(v, v)
		dup[i] += d * gate(v, v)
	}
}

func swiGLUGateGradGeneric(dgate, dy, x, up []float32) {
	for i, v := range x {
		dgate[i] += dy[i] * up[i] * gateGrad(v, v)
	}
}

func swiGLUUpGradGeneric(dup, dy, x []float32) {
	for i, v := range x {
		dup[i] += dy[i] * gate(v, v)
	}
}
