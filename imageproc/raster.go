package imageproc

import (
	"image"
	"image/color"
)

// raster is a decoded picture, read row by row: line writes row y, from 0, as
// straight RGBA, four bytes a pixel.
type raster struct {
	w, h int
	line func(y int, rgba []uint8)
}

// rgb returns the picture without its alpha, or composited over bg.
func (r raster) rgb(bg *Color) *RGB {
	out := NewRGB(r.w, r.h)
	rgba := make([]uint8, 4*r.w)
	for y := range r.h {
		r.line(y, rgba)
		row := out.row(y)
		for x := range r.w {
			p, q := rgba[4*x:4*x+4:4*x+4], row[3*x:3*x+3:3*x+3]
			q[0], q[1], q[2] = p[0], p[1], p[2]
			if bg != nil && p[3] != 255 {
				for c := range q {
					q[c] = blend(p[c], bg[c], p[3])
				}
			}
		}
	}
	return out
}

// blend returns (top*a + under*(255-a)) / 255, rounded as Pillow does.
func blend(top, under, a uint8) uint8 {
	return div255(int(top)*int(a) + int(under)*(255-int(a)))
}

// div255 returns n/255 rounded, for n up to 255².
func div255(n int) uint8 {
	n += 128
	return uint8((n>>8 + n) >> 8)
}

// rasterOf reads the images that the decoders of the formats return.
func rasterOf(img image.Image) raster {
	b := img.Bounds()
	r := raster{w: b.Dx(), h: b.Dy()}
	switch m := img.(type) {
	case *image.Gray:
		r.line = func(y int, rgba []uint8) {
			for x, v := range m.Pix[y*m.Stride:][:r.w] {
				put(rgba, x, v, v, v, 255)
			}
		}
	case *image.Gray16:
		r.line = func(y int, rgba []uint8) { gray16Line(rgba, m.Pix[y*m.Stride:][:2*r.w]) }
	case *image.NRGBA:
		r.line = func(y int, rgba []uint8) { copy(rgba, m.Pix[y*m.Stride:][:4*r.w]) }
	case *image.NRGBA64:
		r.line = func(y int, rgba []uint8) { highBytes(rgba, m.Pix[y*m.Stride:][:8*r.w]) }
	case *image.Paletted:
		table := paletteTable(m.Palette)
		r.line = func(y int, rgba []uint8) { paletteLine(rgba, m.Pix[y*m.Stride:][:r.w], table) }
	case *image.RGBA:
		r.line = func(y int, rgba []uint8) { straightLine(rgba, m, y) }
	case *image.RGBA64:
		if !m.Opaque() {
			return genericRaster(img)
		}
		r.line = func(y int, rgba []uint8) { highBytes(rgba, m.Pix[y*m.Stride:][:8*r.w]) }
	default:
		return genericRaster(img)
	}
	return r
}

// genericRaster reads any image, slowly.
func genericRaster(img image.Image) raster {
	b := img.Bounds()
	return raster{b.Dx(), b.Dy(), func(y int, rgba []uint8) {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			put(rgba, x, c.R, c.G, c.B, c.A)
		}
	}}
}

func put(rgba []uint8, x int, r, g, b, a uint8) {
	p := rgba[4*x : 4*x+4 : 4*x+4]
	p[0], p[1], p[2], p[3] = r, g, b, a
}

// gray16Line clips to 255: so does Pillow convert its mode I;16.
func gray16Line(rgba, pix []uint8) {
	for x := range len(pix) / 2 {
		v := pix[2*x+1]
		if pix[2*x] != 0 {
			v = 255
		}
		put(rgba, x, v, v, v, 255)
	}
}

// clippedGray reads a grey picture stored as colour with alpha, as gray16Line does.
func clippedGray(m *image.NRGBA64) raster {
	return raster{m.Rect.Dx(), m.Rect.Dy(), func(y int, rgba []uint8) {
		pix := m.Pix[y*m.Stride:][:2*len(rgba)]
		for x := range m.Rect.Dx() {
			gray16Line(rgba[4*x:4*x+4], pix[8*x:8*x+2])
			rgba[4*x+3] = pix[8*x+6]
		}
	}}
}

// highBytes keeps the high byte of big-endian 16-bit samples.
func highBytes(rgba, pix []uint8) {
	for i := range rgba {
		rgba[i] = pix[2*i]
	}
}

// straightLine undoes the premultiplication of row y.
func straightLine(rgba []uint8, m *image.RGBA, y int) {
	pix := m.Pix[y*m.Stride:][:len(rgba)]
	copy(rgba, pix)
	for i := 3; i < len(pix); i += 4 {
		if a := int(pix[i]); a != 255 && a != 0 {
			for c := i - 3; c < i; c++ {
				rgba[c] = uint8(min(255, (int(pix[c])*255+a/2)/a))
			}
		}
	}
}

// palette is the straight RGBA of each index; missing entries are opaque black.
type palette [256][4]uint8

func paletteTable(p color.Palette) *palette {
	t := new(palette)
	for i := range t {
		t[i][3] = 255
	}
	for i, c := range p[:min(len(p), 256)] {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		t[i] = [4]uint8{n.R, n.G, n.B, n.A}
	}
	return t
}

func paletteLine(rgba, pix []uint8, table *palette) {
	for x, i := range pix {
		copy(rgba[4*x:4*x+4], table[i][:])
	}
}
