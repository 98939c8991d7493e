package kernel

import "math"

// AdamWParams are the settings of one AdamW step t = 1, 2, ….
type AdamWParams struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
	Correction1, Correction2           float64 // 1-Beta1ᵗ and 1-Beta2ᵗ
	GradScale                          float64 // multiplies the gradient: 1, or less when it is clipped
}

// AdamW updates w and its moments m and v by the gradient g as torch.optim.AdamW does:
//
//	w *= 1 - LR·WeightDecay
//	m += (1-Beta1)·(g-m)
//	v  = Beta2·v + (1-Beta2)·g²
//	w -= LR/Correction1 · m/(√v/√Correction2 + Eps)
//
// (I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", 2019).
func AdamW(w, m, v, g []float32, p AdamWParams) {
	match("AdamW", len(w), len(m), len(v), len(g))
	adamW(w, m, v, g,
		float32(p.GradScale), float32(1-p.Beta1), float32(p.Beta2), float32(1-p.Beta2),
		float32(1/math.Sqrt(p.Correction2)), float32(p.Eps),
		float32(1-float64(p.LR*p.WeightDecay)), float32(-p.LR/p.Correction1))
}

func adamWGeneric(w, m, v, g []float32, gradScale, blend1, beta2, blend2, unbias2, eps, decay, step float32) {
	for i := range w {
		d := g[i] * gradScale
		m1 := blend1*(d-m[i]) + m[i]
		v1 := beta2*v[i] + blend2*d*d
		m[i], v[i] = m1, v1
		den := float32(math.Sqrt(float64(v1)))*unbias2 + eps
		w[i] = decay*w[i] + step*(m1/den)
	}
}
