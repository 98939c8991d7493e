//go:build (!amd64 && !arm64) || purego

package kernel

func microTile() (mr, nr int) { return genericTile, genericTile }

func microKernel(kc int, a, b []float32, ldb int, c []float32, ldc, rows int, add bool) {
	microGeneric(kc, a, b, ldb, c, ldc, rows, add)
}

func packPanel(dst []float32, width int, x *operand, o, count, t, length int) {
	packGeneric(dst, width, x, o, count, t, length)
}
