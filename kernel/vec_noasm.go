package kernel

func add(dst, a, b []float32) { addGeneric(dst, a, b) }
func mul(dst, a, b []float32) { mulGeneric(dst, a, b) }
func mulAdd(dst, a, b []float32) { mulAddGeneric(dst, a, b) }
func scale(dst, a []float32, s float32) { scaleGeneric(dst, a, s) }
func axpy(dst, x []float32, a float32) { axpyGeneric(dst, x, a) }
func dot(a, b []float32) float32 { return dotGeneric(a, b) }
func sum(x []float32) float32 { return sumGeneric(x) }
func maximum(x []float32) float32 { return maximumGeneric(x) }
func sumSquaredDiff(x []float32, mean float32) float32 { return sumSquaredDiffGeneric(x, mean) }
func dotCentered(dy, w, x []float32, mean float32) float32 { return dotCenteredGeneric(dy, w, x, mean) }
func exp(dst, x []float32) { expGeneric(dst, x) }
func tanh(dst, x []float32) { tanhGeneric(dst, x) }
func erf(dst, x []float32) { erfGeneric(dst, x) }
func silu(dst, x []float32) { siluGeneric(dst, x) }
func siluGrad(dx, dy, x []float32) { siluGradGeneric(dx, dy, x) }
func gelu(dst, x []float32) { geluGeneric(dst, x) }
func geluGrad(dx, dy, x []float32) { geluGradGeneric(dx, dy, x) }
func geluTanh(dst, x []float32) { geluTanhGeneric(dst, x) }
func geluTanhGrad(dx, dy, x []float32) { geluTanhGradGeneric(dx, dy, x) }
func quickGELU(dst, x []float32) { quickGELUGeneric(dst, x) }
func quickGELUGrad(dx, dy, x []float32) { quickGELUGradGeneric(dx, dy, x) }
func relu(dst, x []float32) { reluGeneric(dst, x) }
func reluGrad(dx, dy, x []float32) { reluGradGeneric(dx, dy, x) }
func swiGLU(dst, gate, up []float32) { swiGLUGeneric(dst, gate, up) }
func swiGLUGrad(dgate, dup, dy, gate, up []float32) { swiGLUGradGeneric(dgate, dup, dy, gate, up) }
func swiGLUGateGrad(dgate, dy, gate, up []float32) { swiGLUGateGradGeneric(dgate, dy, gate, up) }
func swiGLUUpGrad(dup, dy, gate []float32) { swiGLUUpGradGeneric(dup, dy, gate) }
func softmaxExp(dst, x []float32, m float32) float32 { return softmaxExpGeneric(dst, x, m) }
func sumExp(x []float32, m float32) float32 { return sumExpGeneric(x, m) }
func rmsScale(dst, x, w []float32, inv float32) { rmsScaleGeneric(dst, x, w, inv) }
func normalize(dst, x []float32, mean, inv float32) { normalizeGeneric(dst, x, mean, inv) }
func normAffine(dst, x, w, b []float32, mean, inv float32) { normAffineGeneric(dst, x, w, b, mean, inv) }
func normGrad(dx, dy, w, x []float32, a, c, mean, k float32) { normGradGeneric(dx, dy, w, x, a, c, mean, k) }
func normWeightGrad(dw, dy, x []float32, mean, inv float32) { normWeightGradGeneric(dw, dy, x, mean, inv) }
func rope(lo, hi, cos, sin []float32, sign float32) { ropeGeneric(lo, hi, cos, sin, sign) }
func adamW(w, m, v, g []float32, gradScale, blend1, beta2, blend2, unbias2, eps, decay, step float32) { adamWGeneric(w, m, v, g, gradScale, blend1, beta2, blend2, unbias2, eps, decay, step) }
func f16ToF32(dst []float32, src []byte) { f16ToF32Generic(dst, src) }
func bf16ToF32(dst []float32, src []byte) { bf16ToF32Generic(dst, src) }
func f32ToF16(dst []byte, src []float32) { f32ToF16Generic(dst, src) }
func f32ToBF16(dst []byte, src []float32) { f32ToBF16Generic(dst, src) }
