//go:build (!amd64 && !arm64) || purego

package kernel

func fmaLoop(n int) (flops float64) { return fmaGeneric(n) }

func tileLoop(int) float64 { return 0 }

func readAll(b []byte) { readGeneric(b) }
