//go:build !amd64 || purego

package kernel

func useVNNI() bool { return false }

func int8Round(q []int8Input, step int, meta []int8Meta, row int, x []float32) {
	int8RoundGeneric(q, step, meta, row, x)
}

func int8Pack(dst []int8Weights, src []byte, row int, d DType, _ int, signed bool) {
	int8PackGeneric(dst, src, row, d, signed)
}

func int8Micro(kind int8Kind, call *int8Call, rows int) { int8MicroGeneric(kind, call, rows) }

func int8Tile(int8Kind, []int8Weights, []int8Input, []int8Meta, []int8Line, []float32) {}
