package imageproc

import "image"

// jpegRaster converts YCbCr with libjpeg's fixed-point arithmetic and its "fancy"
// (triangle filter) chroma upsampling, where the standard library rounds
// differently and repeats chroma samples.
func jpegRaster(m *image.YCbCr) raster {
	b := m.Bounds()
	up := chromaUp{m: m, w: b.Dx(), h: b.Dy()}
	return raster{b.Dx(), b.Dy(), up.line}
}

// chromaUp holds one row of chroma, upsampled. It serves one goroutine.
type chromaUp struct {
	m      *image.YCbCr
	w, h   int
	cb, cr []uint8
	sum    []int
}

func (u *chromaUp) line(y int, rgba []uint8) {
	b := u.m.Bounds()
	ys := u.m.Y[u.m.YOffset(b.Min.X, b.Min.Y+y):][:u.w]
	cb, cr := u.chroma(y)
	for x, v := range ys {
		r, g, bl := jpegRGB(int(v), int(cb[x])-128, int(cr[x])-128)
		put(rgba, x, r, g, bl, 255)
	}
}

// chroma returns the upsampled chroma of row y.
func (u *chromaUp) chroma(y int) (cb, cr []uint8) {
	sx, sy := subsampling(u.m.SubsampleRatio)
	n, rows := (u.w+sx-1)/sx, (u.h+sy-1)/sy
	if u.cb == nil {
		u.cb, u.cr, u.sum = make([]uint8, n*sx), make([]uint8, n*sx), make([]int, n)
	}
	near := y / sy
	far := near
	if sy == 2 {
		far = min(max(near-1+2*(y&1), 0), rows-1)
	}
	row := func(plane []uint8, r int) []uint8 { return plane[r*u.m.CStride:][:n] }
	u.upsample(u.cb, row(u.m.Cb, near), row(u.m.Cb, far), sx, sy, y)
	u.upsample(u.cr, row(u.m.Cr, near), row(u.m.Cr, far), sx, sy, y)
	return u.cb, u.cr
}

// upsample widens one row of n chroma samples to n*sx, weighing the nearer row 3
// and the farther 1. libjpeg filters 2:1 ratios only, and widths only above 2.
func (u *chromaUp) upsample(dst, near, far []uint8, sx, sy, y int) {
	n := len(near)
	switch {
	case sx == 2 && n > 2 && sy == 1:
		for i, v := range near {
			u.sum[i] = int(v)
		}
		widen(dst, u.sum, 1, 2, 2)
	case sx == 2 && n > 2 && sy == 2:
		for i, v := range near {
			u.sum[i] = 3*int(v) + int(far[i])
		}
		widen(dst, u.sum, 8, 7, 4)
	case sx == 1 && sy == 2:
		for i, v := range near {
			dst[i] = uint8((3*int(v) + int(far[i]) + 1 + y&1) >> 2)
		}
	default:
		for i, v := range near {
			for k := range sx {
				dst[i*sx+k] = v
			}
		}
	}
}

// widen doubles a row: each output is three parts the nearer and one part the
// farther sample; the biases alternate so that rounding does not drift.
func widen(dst []uint8, sum []int, biasLeft, biasRight, shift int) {
	last := len(sum) - 1
	for i, v := range sum {
		left, right := v, v
		if i > 0 {
			left = sum[i-1]
		}
		if i < last {
			right = sum[i+1]
		}
		dst[2*i] = uint8((3*v + left + biasLeft) >> shift)
		dst[2*i+1] = uint8((3*v + right + biasRight) >> shift)
	}
}

func subsampling(r image.YCbCrSubsampleRatio) (sx, sy int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// jpegRGB is the JFIF conversion in 16-bit fixed point, chroma centred on zero.
func jpegRGB(y, cb, cr int) (r, g, b uint8) {
	const half = 1 << 15
	return clampByte(y + (91881*cr+half)>>16),
		clampByte(y + (-22554*cb-46802*cr+half)>>16),
		clampByte(y + (116130*cb+half)>>16)
}

func clampByte(v int) uint8 { return uint8(min(max(v, 0), 255)) }
