//go:build !amd64 || purego

package kernel

func fmaLoop(n int) (flops float64) { return fmaGeneric(n) }

func readAll(b []byte) { readGeneric(b) }
