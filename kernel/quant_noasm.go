//go:build (!amd64 && !arm64) || purego

package kernel

func dequantize(dst []float32, src []byte, d DType) { dequantizeGeneric(dst, src, d) }
