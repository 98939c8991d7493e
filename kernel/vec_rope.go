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

// RoPEPairs rotates the pairs (x[2i], x[2i+1]) of one head instead, the layout of
// Meta's and llama.cpp's weights. Each element has the bits that RoPE gives the
// same element of a head whose even elements lie before its odd ones.
func RoPEPairs(x, cos, sin []float32) {
	match("RoPEPairs", len(x), 2*len(cos), 2*len(sin))
	ropePairs(x, cos, sin, 1)
}

// RoPEPairsInverse rotates back; it is also the gradient of RoPEPairs.
func RoPEPairsInverse(x, cos, sin []float32) {
	match("RoPEPairsInverse", len(x), 2*len(cos), 2*len(sin))
	ropePairs(x, cos, sin, -1)
}

// ropePairs parts a few pairs at a time into halves, which the vector kernels take.
func ropePairs(x, cos, sin []float32, sign float32) {
	var lo, hi [64]float32
	for len(cos) > 0 {
		n := min(len(cos), len(lo))
		for i := range n {
			lo[i], hi[i] = x[2*i], x[2*i+1]
		}
		rope(lo[:n], hi[:n], cos[:n], sin[:n], sign)
		for i := range n {
			x[2*i], x[2*i+1] = lo[i], hi[i]
		}
		x, cos, sin = x[2*n:], cos[n:], sin[n:]
	}
}

// ropeGeneric computes lo, hi = lo·cos - sign·hi·sin, hi·cos + sign·lo·sin. The conversions
// keep Go from fusing one product here and the other where it is inlined.
func ropeGeneric(lo, hi, cos, sin []float32, sign float32) {
	for i, a := range lo {
		b, c, s := hi[i], cos[i], sign*sin[i]
		lo[i] = float32(a*c) - float32(b*s)
		hi[i] = float32(b*c) + float32(a*s)
	}
}
