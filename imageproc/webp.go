package imageproc

import (
	"encoding/binary"
	"errors"
	"image"
	"io"
	"iter"

	"golang.org/x/image/webp"
)

// riffChunks yields the chunks of a RIFF body; it stops at a malformed one.
func riffChunks(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(b) >= 8 {
			n := uint64(binary.LittleEndian.Uint32(b[4:]))
			if n+8 > uint64(len(b)) || !yield(string(b[:4]), b[8:8+n]) {
				return
			}
			b = b[min(8+n+n&1, uint64(len(b))):]
		}
	}
}

// decodeWebP decodes a WebP picture, or the first frame of an animated one.
func decodeWebP(r io.Reader, data []byte) (raster, error) {
	if !animated(data) {
		return stillWebP(r)
	}
	a, err := scanWebP(data)
	if err != nil {
		return raster{}, err
	}
	if len(a.frames) == 0 {
		return raster{}, errors.New("the animation has no frames")
	}
	c := newCanvas(a.w, a.h)
	if err := a.draw(c, 0); err != nil {
		return raster{}, err
	}
	return c.raster(), nil
}

// stillWebP decodes a WebP file that is no animation.
func stillWebP(r io.Reader) (raster, error) {
	img, err := webp.Decode(r)
	if err != nil {
		return raster{}, err
	}
	switch m := img.(type) {
	case *image.YCbCr:
		return vp8Raster(m, nil, 0), nil
	case *image.NYCbCrA:
		return vp8Raster(&m.YCbCr, m.A, m.AStride), nil
	}
	return rasterOf(img), nil
}

// vp8Raster converts lossy WebP, whose luma spans 16 to 235 (BT.601), with
// libwebp's fixed-point arithmetic and its "fancy" chroma upsampling. alpha may
// be nil.
func vp8Raster(m *image.YCbCr, alpha []uint8, alphaStride int) raster {
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
	rows := (h + 1) / 2
	return raster{w, h, func(y int, rgba []uint8) {
		ys := m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:w]
		near := y / 2
		far := min(max(near-1+2*(y&1), 0), rows-1)
		at := func(plane []uint8, r int) []uint8 { return plane[r*m.CStride:][:(w+1)/2] }
		u := vp8Chroma(at(m.Cb, near), at(m.Cb, far))
		v := vp8Chroma(at(m.Cr, near), at(m.Cr, far))
		for x, luma := range ys {
			r, g, bl := vp8RGB(int(luma), u(x), v(x))
			a := uint8(255)
			if alpha != nil {
				a = alpha[y*alphaStride+x]
			}
			put(rgba, x, r, g, bl, a)
		}
	}}
}

// vp8Chroma returns the chroma of column x: 9, 3, 3 and 1 sixteenths of the
// nearest, its neighbours along and across the row, and the diagonal one, in
// libwebp's two roundings.
func vp8Chroma(near, far []uint8) func(x int) int {
	last := len(near) - 1
	return func(x int) int {
		i := x / 2
		j := i - 1 + 2*(x&1)
		if j < 0 || j > last {
			return (3*int(near[i]) + int(far[i]) + 2) >> 2
		}
		a, b, c, d := int(near[i]), int(near[j]), int(far[i]), int(far[j])
		return (a + (a+b+c+d+8+2*(b+c))>>3) >> 1
	}
}

// vp8RGB is libwebp's conversion: 14-bit fixed point, scaled down in two steps.
func vp8RGB(y, u, v int) (r, g, b uint8) {
	hi := func(v, k int) int { return v * k >> 8 }
	l := hi(y, 19077)
	return clampByte((l + hi(v, 26149) - 14234) >> 6),
		clampByte((l - hi(u, 6419) - hi(v, 13320) + 8708) >> 6),
		clampByte((l + hi(u, 33050) - 17685) >> 6)
}
