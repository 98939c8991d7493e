//go:build !amd64 || purego

package kernel

func useVNNI() bool { return false }

func int8Round(q []int8Inputs, meta []int8Meta, row int, x []float32) {
	int8RoundGeneric(q, meta, row, x)
}

func int8Pack(dst []int8Weights, src []byte, row int, d DType, _ int, signed bool) {
	int8PackGeneric(dst, src, row, d, signed)
}

func int8Micro(kind int8Kind, weights []int8Weights, x []int8Inputs, first int, meta []int8Meta, rows int, sums *int8Sums) {
	int8MicroGeneric(kind, weights, x, first, meta, rows, sums)
}

func int8Tile(int8Kind, []int8Weights, []int8Inputs, []int8Meta, int, *int8Sums, []float32) {}
