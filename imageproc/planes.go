package imageproc

import (
	"fmt"
	"math"
)

// Planes are a picture in floats, channel by channel, as an encoder reads it:
// [3, H, W]. What several encoders see of one picture is made of it.
type Planes struct {
	Pixels []float32
	W, H   int
}

// Interpolation is how Planes are scaled: as torch's interpolate does it, which
// looks at the nearest pixels only, however much a picture shrinks.
type Interpolation uint8

// The interpolations. The cubic one has a = -0.75, not Pillow's -0.5.
const (
	NearestPixel Interpolation = iota
	LinearPixels
	CubicPixels
)

// ParseInterpolation knows nearest, bilinear and bicubic.
func ParseInterpolation(name string) (Interpolation, error) {
	switch name {
	case "nearest":
		return NearestPixel, nil
	case "bilinear":
		return LinearPixels, nil
	case "bicubic":
		return CubicPixels, nil
	}
	return 0, fmt.Errorf("interpolation %q, known: nearest, bilinear, bicubic", name)
}

// Scaled is the picture at w by h pixels. It panics where a size is not positive.
func (p Planes) Scaled(w, h int, k Interpolation) Planes {
	return p.scaled(w, h, k, func(weight float32) float32 { return weight })
}

// HalfScaled is Scaled in half precision, as torch computes it on a CPU: pixels and
// weights are rounded, sums are in float32, and what they make is rounded again.
func (p Planes) HalfScaled(w, h int, k Interpolation) Planes {
	return p.Half().scaled(w, h, k, roundHalf).Half()
}

func (p Planes) scaled(w, h int, k Interpolation, round func(float32) float32) Planes {
	if min(w, h, p.W, p.H) < 1 {
		panic(fmt.Sprintf("imageproc: %d×%d pixels scaled to %d×%d", p.W, p.H, w, h))
	}
	columns, rows := pixelTaps(p.W, w, k, round), pixelTaps(p.H, h, k, round)
	narrow := make([]float32, 3*p.H*w)
	for y := range 3 * p.H {
		in, out := p.Pixels[y*p.W:(y+1)*p.W], narrow[y*w:(y+1)*w]
		for x, around := range columns {
			for _, t := range around {
				out[x] += float32(t.weight * in[t.at])
			}
		}
	}
	out := Planes{make([]float32, 3*w*h), w, h}
	for c := range 3 {
		for y, around := range rows {
			line := out.Pixels[(c*h+y)*w : (c*h+y+1)*w]
			for _, t := range around {
				for x, v := range narrow[(c*p.H+t.at)*w : (c*p.H+t.at+1)*w] {
					line[x] += float32(t.weight * v)
				}
			}
		}
	}
	return out
}

// pixelTap is one pixel of an axis and its weight.
type pixelTap struct {
	at     int
	weight float32
}

// pixelTaps are the taps of every place of an axis of to pixels over one of from,
// their weights rounded.
func pixelTaps(from, to int, k Interpolation, round func(float32) float32) [][]pixelTap {
	out := make([][]pixelTap, to)
	scale := float32(from) / float32(to)
	for i := range out {
		if k == NearestPixel {
			out[i] = []pixelTap{{min(int(float32(i)*scale), from-1), 1}}
			continue
		}
		at := float32(scale*(float32(i)+0.5)) - 0.5
		if k == LinearPixels {
			at = max(at, 0)
		}
		first := int(math.Floor(float64(at)))
		weights := k.weights(at - float32(first))
		for d, w := range weights {
			place := first + d - (len(weights)/2 - 1)
			out[i] = append(out[i], pixelTap{min(max(place, 0), from-1), round(w)})
		}
	}
	return out
}

// weights are those of the pixels around a point that lies t behind the last one before it.
func (k Interpolation) weights(t float32) []float32 {
	if k == LinearPixels {
		return []float32{1 - t, t}
	}
	const a = -0.75 // Keys 1981
	near := func(x float32) float32 { return float32(float32(float32((a+2)*x)-(a+3))*x*x) + 1 }
	far := func(x float32) float32 { return float32((float32((float32(a*x)-5*a)*x)+8*a)*x) - 4*a }
	return []float32{far(t + 1), near(t), near(1 - t), far(2 - t)}
}

// Half is the picture rounded to the numbers that 16 bits hold (IEEE binary16).
func (p Planes) Half() Planes {
	out := Planes{make([]float32, len(p.Pixels)), p.W, p.H}
	for i, v := range p.Pixels {
		out.Pixels[i] = roundHalf(v)
	}
	return out
}

// roundHalf rounds to 11 significant bits, to even where two are as near.
func roundHalf(v float32) float32 {
	const least, most = 1.0 / (1 << 14), 65520
	switch abs := math.Abs(float64(v)); {
	case abs < least:
		const shift = 0.75 // whose last bit is the step of what is so small
		return float32(v+shift) - shift
	case abs >= most:
		return float32(math.Inf(int(math.Copysign(1, float64(v)))))
	}
	b := math.Float32bits(v)
	return math.Float32frombits((b + 0xfff + b>>13&1) &^ 0x1fff)
}

// Window is the part of the picture of w by h pixels at (x, y), which must lie in it.
func (p Planes) Window(x, y, w, h int) Planes {
	out := Planes{make([]float32, 0, 3*w*h), w, h}
	for c := range 3 {
		for line := range h {
			at := (c*p.H+y+line)*p.W + x
			out.Pixels = append(out.Pixels, p.Pixels[at:at+w]...)
		}
	}
	return out
}

// Renormalized is a picture that has been normalised as from says, normalised as
// to says instead.
func (p Planes) Renormalized(from, to Normalize) Planes {
	out := Planes{make([]float32, len(p.Pixels)), p.W, p.H}
	n := p.W * p.H
	for c := range 3 {
		scale, shift := float32(from.Std[c]/to.Std[c]), float32((from.Mean[c]-to.Mean[c])/to.Std[c])
		for i, v := range p.Pixels[c*n : (c+1)*n] {
			out.Pixels[c*n+i] = float32(v*scale) + shift
		}
	}
	return out
}
