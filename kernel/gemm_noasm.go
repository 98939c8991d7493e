//go:build !amd64 || purego

package kernel

func microTile() (mr, nr int) { return genericTile, genericTile }

func microKernel(kc int, a, b, c []float32, ldc, rows int, add bool) {
	microGeneric(kc, a, b, c, ldc, rows, add)
}

func packPanel(dst []float32, width int, x *operand, o, count, t, length int) {
	packGeneric(dst, width, x, o, count, t, length)
}
