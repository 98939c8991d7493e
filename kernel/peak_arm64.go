//go:build arm64 && !purego

package kernel

// peakFMANEON runs n rounds of 24 independent multiply-adds of 4 lanes on registers.
//
//go:noescape
func peakFMANEON(n int)

// peakReadNEON reads n blocks of 256 bytes.
//
//go:noescape
func peakReadNEON(p *byte, n int)

func tileLoop(int) float64 { return 0 }

func fmaLoop(n int) (flops float64) {
	if useNEON {
		peakFMANEON(n)
		return 24 * 4 * 2 * float64(n)
	}
	return fmaGeneric(n)
}

func readAll(b []byte) {
	if useNEON {
		peakReadNEON(&b[0], len(b)/256)
		return
	}
	readGeneric(b)
}
