//go:build !amd64 || purego

package kernel

func useVNNI() bool { return false }

func int8Round(q []int8, meta []int8Meta, row int, x []float32) { int8RoundGeneric(q, meta, row, x) }

func int8Pack(dst []int8Weights, src []byte, row int, d DType, _ int) {
	int8PackGeneric(dst, src, row, d)
}

func int8Micro(kind int8Kind, weights []int8Weights, x []int8, ldx int, meta []int8Meta, rows int, sums *[int8Rows][int8Columns]float32) {
	int8MicroGeneric(kind, weights, x, ldx, meta, rows, sums)
}
