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
