//go:build !amd64 || purego

package kernel

// useAMX is never set here.
const useAMX = false

func tileProduct(call *tileCall) { tileProductGeneric(call) }

func tileVector(call *tileCall) { tileVectorGeneric(call) }

func tileWeigh(call *weighCall) { tileWeighGeneric(call) }

func packAlong(dst []byte, step int, x *operand, o, count, t, length int) {
	packAlongGeneric(dst, step, x, o, count, t, length)
}

func packAcross(dst []byte, panel int, x *operand, o, count, t, length int) {
	packAcrossGeneric(dst, panel, x, o, count, t, length)
}

func transposeTiles(dst []byte, step, count int) { transposeTilesGeneric(dst, step, count) }

func tileLines(c []float32, ldc int, tiles []float32, cols, mode int, bias *float32) {
	tileLinesGeneric(c, ldc, tiles, cols, mode, bias)
}

func packsPanels(DType) bool { return false }

func packRowsPanel(DType, *packCall) {}

func tileOut(c []float32, ldc int, tile []float32, rows, cols int, add bool, bias *float32) {
	tileOutGeneric(c, ldc, tile, rows, cols, add, bias)
}

func tileFlipped(c []float32, ldc int, tiles []float32, panel, rows, cols, mode int, bias *float32) {
	tileFlippedGeneric(c, ldc, tiles, panel, rows, cols, mode, bias)
}

func tileBias(sums, bias []float32) { tileBiasGeneric(sums, bias) }
