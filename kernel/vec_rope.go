package kernel

// RoPE rotates the pairs (x[i], x[i+d/2]) of one head by the angles whose cosines and
// sines are given (rotate_half of transformers). x has d elements, cos and sin d/2.
func RoPE(x, cos, sin []float32) {
	match("RoPE", len(x), 2*len(cos), 2*len(sin))
	h := len(cos)
	rope(x[:h], x[h:], cos, sin, 1)
}

// RoPEInverse rotates back; it is also the gradient of RoPE.
func RoPEInverse(x, cos, sin []float32) {
	match("RoPEInverse", len(x), 2*len(cos), 2*len(sin))
	h := len(cos)
	rope(x[:h], x[h:], cos, sin, -1)
}

// ropeGeneric computes lo, hi = lo·cos - sign·hi·sin, hi·cos + sign·lo·sin.
func ropeGeneric(lo, hi, cos, sin []float32, sign float32) {
	for i, a := range lo {
		b, c, s := hi[i], cos[i], sign*sin[i]
		lo[i] = a*c - b*s
		hi[i] = b*c + a*s
	}
}
