package kernel

import "math"

// RMSNorm computes dst = x·inv·w over one row, where inv = 1/√(mean(x²)+eps), and returns inv.
func RMSNorm(dst, x, w []float32, eps float32) (inv float32) {
	match("RMSNorm", len(dst), len(x), len(w))
	inv = float32(1 / math.Sqrt(dotWide(x, x)/float64(len(x))+float64(eps)))
	rmsScale(dst, x, w, inv)
	return inv
}

// RMSNormGrad computes dx += the gradient of RMSNorm's input, given inv of the forward pass.
func RMSNormGrad(dx, dy, x, w []float32, inv float32) {
	match("RMSNormGrad", len(dx), len(dy), len(x), len(w))
	c := dotCenteredWide(dy, w, x, 0) * cube(inv) / float64(len(x))
	normGrad(dx, dy, w, x, inv, float32(-c), 0, 0)
}

// RMSNormWeightGrad computes dw += dy·x·inv, the part of one row in the gradient of the weight.
func RMSNormWeightGrad(dw, dy, x []float32, inv float32) {
	match("RMSNormWeightGrad", len(dw), len(dy), len(x))
	normWeightGrad(dw, dy, x, 0, inv)
}

// LayerNorm computes dst = (x-mean)·inv·w + b over one row, where inv = 1/√(var+eps) and var
// is the biased variance, taken in a second pass. A nil w stands for ones, a nil b for zeros.
func LayerNorm(dst, x, w, b []float32, eps float32) (mean, inv float32) {
	match("LayerNorm", len(dst), len(x))
	n := float64(len(x))
	mean = float32(sumWide(x) / n)
	inv = float32(1 / math.Sqrt(sumSquaredDiffWide(x, mean)/n+float64(eps)))
	if w != nil && b != nil {
		match("LayerNorm", len(x), len(w), len(b))
		normAffine(dst, x, w, b, mean, inv)
		return mean, inv
	}
	normalize(dst, x, mean, inv)
	if w != nil {
		Mul(dst, dst, w)
	}
	if b != nil {
		AddTo(dst, b)
	}
	return mean, inv
}

// LayerNormGrad computes dx += the gradient of LayerNorm's input, given mean and inv of the
// forward pass. A nil w stands for ones.
func LayerNormGrad(dx, dy, x, w []float32, mean, inv float32) {
	match("LayerNormGrad", len(dx), len(dy), len(x))
	n := float64(len(x))
	if w == nil {
		plainNormGrad(dx, dy, x, mean, inv)
		return
	}
	match("LayerNormGrad", len(x), len(w))
	g, gx := dotWide(dy, w)/n, dotCenteredWide(dy, w, x, mean)/n
	normGrad(dx, dy, w, x, inv, float32(-gx*cube(inv)), mean, float32(-g*float64(inv)))
}

// LayerNormWeightGrad computes dw += dy·(x-mean)·inv and db += dy, the part of one row in the
// gradients of weight and bias. A nil dw or db is left out.
func LayerNormWeightGrad(dw, db, dy, x []float32, mean, inv float32) {
	if dw != nil {
		match("LayerNormWeightGrad", len(dw), len(dy), len(x))
		normWeightGrad(dw, dy, x, mean, inv)
	}
	if db != nil {
		AddTo(db, dy)
	}
}

func cube(x float32) float64 { return float64(x) * float64(x) * float64(x) }

func sumSquaredDiffWide(x []float32, mean float32) float64 {
	var s float64
	for len(x) > 0 {
		n := min(len(x), reduceBlock)
		s += float64(sumSquaredDiff(x[:n], mean))
		x = x[n:]
	}
	return s
}

func dotCenteredWide(dy, w, x []float32, mean float32) float64 {
	var s float64
	for len(x) > 0 {
		n := min(len(x), reduceBlock)
		s += float64(dotCentered(dy[:n], w[:n], x[:n], mean))
		dy, w, x = dy[n:], w[n:], x[n:]
	}
	return s
}

// plainNormGrad is LayerNormGrad without a weight; few models need it. The conversions
// keep Go from fusing, so that it has the same bits beside every assembly.
func plainNormGrad(dx, dy, x []float32, mean, inv float32) {
	n := float64(len(x))
	var g, gx float64
	for i, v := range x {
		g += float64(dy[i]) / n
		gx += float64(dy[i]) * float64(v-mean) / n
	}
	gx *= float64(inv) * float64(inv)
	for i, v := range x {
		dx[i] += float32(inv * float32(float64(dy[i])-g-float64(gx*float64(v-mean))))
	}
}

// rmsScaleGeneric computes dst = x·inv·w.
func rmsScaleGeneric(dst, x, w []float32, inv float32) {
	for i, v := range x {
		dst[i] = v * inv * w[i]
	}
}

// normalizeGeneric computes dst = (x-mean)·inv.
func normalizeGeneric(dst, x []float32, mean, inv float32) {
	for i, v := range x {
		dst[i] = (v - mean) * inv
	}
}

// normAffineGeneric computes dst = (x-mean)·inv·w + b.
func normAffineGeneric(dst, x, w, b []float32, mean, inv float32) {
	for i, v := range x {
		dst[i] = (v-mean)*inv*w[i] + b[i]
	}
}

// normGradGeneric computes dx += a·dy·w + c·(x-mean) + k.
func normGradGeneric(dx, dy, w, x []float32, a, c, mean, k float32) {
	for i, v := range x {
		t := c*(v-mean) + k
		dx[i] += a*(dy[i]*w[i]) + t
	}
}

// normWeightGradGeneric computes dw += dy·(x-mean)·inv.
func normWeightGradGeneric(dw, dy, x []float32, mean, inv float32) {
	for i, v := range x {
		dw[i] += (v - mean) * inv * dy[i]
	}
}
