//go:build !amd64 || purego

package kernel

func int8Vectors() bool { return false }

func int8Signs() bool { return false }

func int8Panels() int { return 1 }

func int8Round(q []int8Input, step int, meta []int8Meta, row int, x []float32) {
	int8RoundGeneric(q, step, meta, row, x)
}

func int8Pack(kind int8Kind, dst []int8Weights, src []byte, row int, d DType, _ int) {
	int8PackGeneric(kind, dst, src, row, d)
}

func int8Micro(kind int8Kind, call *int8Call, rows int) { int8MicroGeneric(kind, call, rows) }

func int8Tile(int8Kind, []int8Weights, []int8Input, []int8Meta, []int8Line, []float32) {}

func int8Loop(int) float64 { return 0 }
