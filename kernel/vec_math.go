package kernel

import "math"

// Exp computes dst = eˣ to 1 ULP. Results below the smallest normal float32 are 0.
func Exp(dst, x []float32) {
	match("Exp", len(dst), len(x))
	exp(dst, x)
}

// Tanh computes dst = tanh x to 2.5 ULP.
func Tanh(dst, x []float32) {
	match("Tanh", len(dst), len(x))
	tanh(dst, x)
}

// Erf computes dst = erf x to 1.1 ULP.
func Erf(dst, x []float32) {
	match("Erf", len(dst), len(x))
	erf(dst, x)
}

// The constants are shared with the generator of the assembly, which writes them out again.
const (
	// expMax and expMin bound the arguments whose exponential is a normal float32.
	expMax = 88.72283172607422
	expMin = -87.33654022216797
	log2E  = 1.44269504088896341
	// ln2Hi has few enough bits that its product with an exponent is exact.
	ln2Hi = 0.693359375
	ln2Lo = -2.12194440e-4
	// roundMagic, added and subtracted, rounds to an integer and leaves it in the low bits of the sum.
	roundMagic = 12582912
)

// expReduced returns q = eʳ-1 and the bits of 2ⁿ, less those of 1, where x = n·ln 2 + r
// and |r| <= ln 2 / 2. The polynomial is that of Cephes' expf.
func expReduced(x float32) (q float32, n uint32) {
	t := x*log2E + roundMagic
	k := t - roundMagic
	r := x - k*ln2Hi
	r -= k * ln2Lo
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	return p*(r*r) + r, math.Float32bits(t) << 23
}

func exp32(x float32) float32 {
	switch {
	case x < expMin:
		return 0
	case !(x <= expMax):
		return x + float32(math.Inf(1))
	}
	q, n := expReduced(x)
	return math.Float32frombits(math.Float32bits(q+1) + n)
}

// tanh32 returns u/(u+2), where u = e²ᵃ-1 and a = |x|, with the sign of x.
func tanh32(x float32) float32 {
	const saturated = 18.1
	sign := math.Float32bits(x) & (1 << 31)
	a := math.Float32frombits(math.Float32bits(x) ^ sign)
	e := a + a
	if e > saturated {
		e = saturated
	}
	q, n := expReduced(e)
	s := math.Float32frombits(n + math.Float32bits(1))
	u := s*q + (s - 1)
	return math.Float32frombits(math.Float32bits(u/(u+2)) | sign)
}

// erf32 is an odd polynomial for small arguments and 1-e^(polynomial) for the others
// (N. Juffa, "Fast vectorizable erf", 2016).
func erf32(x float32) float32 {
	sign := math.Float32bits(x) & (1 << 31)
	a := math.Float32frombits(math.Float32bits(x) ^ sign)
	s := x * x
	if !(a > 0.927734375) {
		r := float32(-5.96761703e-4)
		r = r*s + 4.99119423e-3
		r = r*s + -2.67681349e-2
		r = r*s + 1.12819925e-1
		r = r*s + -3.76125336e-1
		r = r*s + 1.28379166e-1
		return r*x + x
	}
	r := a*-1.72853470e-5 + 3.83197126e-4
	u := a*-3.88396438e-3 + 2.42546219e-2
	r = r*s + u
	r = r*a + -1.06777877e-1
	r = r*a + -6.34846687e-1
	r = r*a + -1.28717512e-1
	r = r*a + -a
	return math.Float32frombits(math.Float32bits(1-exp32(r)) | sign)
}

func expGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = exp32(v)
	}
}

func tanhGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = tanh32(v)
	}
}

func erfGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = erf32(v)
	}
}
