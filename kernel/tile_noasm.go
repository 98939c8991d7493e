//go:build !amd64 || purego

package kernel

// useAMX is never set here.
const useAMX = false

func tileProduct(call *tileCall) { tileProductGeneric(call) }

func tileVector(call *tileCall) { tileVectorGeneric(call) }

func tileWeigh(call *weighCall) { tileWeighGeneric(call) }

func packTiles(dst []byte, step int, x *operand, o, count, t, length int, rows bool) {
	packTilesGeneric(dst, step, x, o, count, t, length, rows)
}

func packsPanels(DType) bool { return false }

func packRowsPanel(DType, *packCall) {}

func packLine(dst []byte, x []float32) { packVectorGeneric(dst, &operand{f32: x}, len(x)) }

func tileOut(c []float32, ldc int, tile []float32, rows, cols int, transposed, add bool, bias *float32) {
	tileOutGeneric(c, ldc, tile, rows, cols, transposed, add, bias)
}

func tileBias(sums, bias []float32) { tileBiasGeneric(sums, bias) }
