//go:build amd64 && !purego

package kernel

// peakFMAAVX2 runs n rounds of 12 independent multiply-adds of 8 lanes on registers.
//
//go:noescape
func peakFMAAVX2(n int)

// peakFMAAVX512 is peakFMAAVX2 with 16 lanes.
//
//go:noescape
func peakFMAAVX512(n int)

// peakReadAVX2 reads n blocks of 256 bytes.
//
//go:noescape
func peakReadAVX2(p *byte, n int)

// peakTileAMX runs n rounds of 4 independent products of tiles on registers, of which
// data fills four.
//
//go:noescape
func peakTileAMX(config *tileConfig, data *byte, n int)

func tileLoop(n int) (flops float64) {
	if !useAMX {
		return 0
	}
	data := peakData()
	peakTileAMX(fullTiles, &data[0], n)
	return 4 * 2 * tileSums * tileDepth * float64(n)
}

// peakData has numbers of all kinds: zeros would not make the units work.
func peakData() (data [4 * tileBytes]byte) {
	for i := range data {
		data[i] = byte(i*7919>>3) &^ 0x40
	}
	return data
}

// peakInt8AVX512 runs n rounds of 12 independent dot products of 64 bytes on registers.
//
//go:noescape
func peakInt8AVX512(n int)

// peakInt8AVXVNNI is peakInt8AVX512 with 8 of 32 bytes.
//
//go:noescape
func peakInt8AVXVNNI(n int)

// peakInt8AVX2 is peakInt8AVX512 with 12 of 32 bytes, in 16 bits.
//
//go:noescape
func peakInt8AVX2(n int)

// peakTileInt8AMX is peakTileAMX for bytes.
//
//go:noescape
func peakTileInt8AMX(config *tileConfig, data *byte, n int)

func int8Loop(n int) (ops float64) {
	if useAMX {
		data := peakData()
		peakTileInt8AMX(fullTiles, &data[0], n)
		return 4 * 2 * tileSums * 2 * tileDepth * float64(n)
	}
	switch int8Chosen() {
	case &int8AVX512:
		peakInt8AVX512(n)
		return 12 * 64 * 2 * float64(n)
	case &int8AVXVNNI:
		peakInt8AVXVNNI(n)
		return 8 * 32 * 2 * float64(n)
	case &int8AVX2:
		peakInt8AVX2(n)
		return 12 * 32 * 2 * float64(n)
	}
	return 0
}

func fmaLoop(n int) (flops float64) {
	switch {
	case useAVX512:
		peakFMAAVX512(n)
		return 12 * 16 * 2 * float64(n)
	case useAVX2:
		peakFMAAVX2(n)
		return 12 * 8 * 2 * float64(n)
	}
	return fmaGeneric(n)
}

func readAll(b []byte) {
	if useAVX2 || useAVX512 {
		peakReadAVX2(&b[0], len(b)/256)
		return
	}
	readGeneric(b)
}
