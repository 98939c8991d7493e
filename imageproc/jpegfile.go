package imageproc

import (
	"image"
	"image/color"
	"io"

	"github.com/fovea-ml/fovea/imageproc/jpeg"
)

// jpegConfig tells the size of a JPEG file.
func jpegConfig(_ io.Reader, data []byte) (image.Config, error) {
	w, h, _, err := jpeg.Config(data)
	return image.Config{ColorModel: color.NRGBAModel, Width: w, Height: h}, err
}

// decodeJPEG decodes a JPEG file as Pillow does by libjpeg-turbo, to the bit.
func decodeJPEG(_ io.Reader, data []byte) (raster, error) {
	m, err := jpeg.Decode(data)
	if err != nil {
		return raster{}, err
	}
	s := &samples{m: m, rows: make([]upsampled, len(m.Planes))}
	line := map[jpeg.Space]func(int, []uint8){
		jpeg.Gray: s.gray, jpeg.YCbCr: s.ycc, jpeg.RGB: s.rgb, jpeg.CMYK: s.cmyk, jpeg.YCCK: s.ycck,
	}[m.Space]
	return raster{m.W, m.H, line}, nil
}

// samples are the planes of a picture, with a row of each as wide as the picture. It
// serves one goroutine.
type samples struct {
	m    *jpeg.Image
	rows []upsampled
}

// upsampled is a row of a plane.
type upsampled struct {
	row []uint8
	sum []int
}

// row returns row y of plane i, upsampled.
func (s *samples) row(i, y int) []uint8 {
	p, u := &s.m.Planes[i], &s.rows[i]
	if p.X == 1 && p.Y == 1 {
		return p.Pix[y*p.Stride:][:s.m.W]
	}
	if u.row == nil {
		u.row, u.sum = make([]uint8, p.W*p.X), make([]int, p.W)
	}
	near := y / p.Y
	far := near
	if p.Y == 2 {
		far = min(max(near-1+2*(y&1), 0), p.H-1)
	}
	u.fill(p.Pix[near*p.Stride:][:p.W], p.Pix[far*p.Stride:][:p.W], p, y)
	return u.row
}

// fill widens one row of samples, weighing the nearer row 3 and the farther 1: libjpeg's
// "fancy" upsampling (a triangle filter), which is for ratios of 2 only, and for widths
// above 2. Others are repeated.
func (u *upsampled) fill(near, far []uint8, p *jpeg.Plane, y int) {
	switch {
	case p.X == 2 && len(near) > 2 && p.Y == 1:
		for i, v := range near {
			u.sum[i] = int(v)
		}
		widen(u.row, u.sum, 1, 2, 2)
	case p.X == 2 && len(near) > 2 && p.Y == 2:
		for i, v := range near {
			u.sum[i] = 3*int(v) + int(far[i])
		}
		widen(u.row, u.sum, 8, 7, 4)
	case p.X == 1 && p.Y == 2:
		for i, v := range near {
			u.row[i] = uint8((3*int(v) + int(far[i]) + 1 + y&1) >> 2)
		}
	default:
		for i, v := range near {
			for k := range p.X {
				u.row[i*p.X+k] = v
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

func (s *samples) gray(y int, rgba []uint8) {
	for x, v := range s.row(0, y) {
		put(rgba, x, v, v, v, 255)
	}
}

func (s *samples) rgb(y int, rgba []uint8) {
	r, g, b := s.row(0, y), s.row(1, y), s.row(2, y)
	for x := range s.m.W {
		put(rgba, x, r[x], g[x], b[x], 255)
	}
}

func (s *samples) ycc(y int, rgba []uint8) {
	ys, cb, cr := s.row(0, y), s.row(1, y), s.row(2, y)
	for x := range s.m.W {
		r, g, b := jpegRGB(int(ys[x]), int(cb[x])-128, int(cr[x])-128)
		put(rgba, x, r, g, b, 255)
	}
}

// cmyk is stored inverted: what is stored is 255 less than the ink.
func (s *samples) cmyk(y int, rgba []uint8) {
	c, m, ye, k := s.row(0, y), s.row(1, y), s.row(2, y), s.row(3, y)
	for x := range s.m.W {
		inks(rgba, x, 255-c[x], 255-m[x], 255-ye[x], 255-k[x])
	}
}

// ycck becomes CMYK first, by turning RGB around.
func (s *samples) ycck(y int, rgba []uint8) {
	ys, cb, cr, k := s.row(0, y), s.row(1, y), s.row(2, y), s.row(3, y)
	for x := range s.m.W {
		r, g, b := jpegRGB(int(ys[x]), int(cb[x])-128, int(cr[x])-128)
		inks(rgba, x, r, g, b, 255-k[x])
	}
}

// inks writes a pixel of CMYK as Pillow converts it.
func inks(rgba []uint8, x int, c, m, y, k uint8) {
	left := int(255 - k)
	paper := func(ink uint8) uint8 { return clampByte(left - int(div255(int(ink)*left))) }
	put(rgba, x, paper(c), paper(m), paper(y), 255)
}

// jpegRGB is the JFIF conversion in 16-bit fixed point, chroma centred on zero.
func jpegRGB(y, cb, cr int) (r, g, b uint8) {
	const half = 1 << 15
	return clampByte(y + (91881*cr+half)>>16),
		clampByte(y + (-22554*cb-46802*cr+half)>>16),
		clampByte(y + (116130*cb+half)>>16)
}

func clampByte(v int) uint8 { return uint8(min(max(v, 0), 255)) }
