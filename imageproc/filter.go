package imageproc

import (
	"fmt"
	"math"
)

// Filter is a resampling filter. The values are those of PIL.Image.Resampling,
// which preprocessor_config.json uses.
type Filter uint8

const (
	Nearest  Filter = 0
	Lanczos  Filter = 1
	Bilinear Filter = 2
	Bicubic  Filter = 3
	Box      Filter = 4
	Hamming  Filter = 5
)

var filterNames = [...]string{"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"}

// Valid reports whether f is one of the filters above.
func (f Filter) Valid() bool { return int(f) < len(filterNames) }

func (f Filter) String() string {
	if !f.Valid() {
		return fmt.Sprintf("Filter(%d)", uint8(f))
	}
	return filterNames[f]
}

// kernel returns the weight function of f and its radius, in source pixels at
// scale 1.
//
// The conversions to float64 forbid fused multiply-add, with which arm64 would
// round differently from Pillow.
func (f Filter) kernel() (weight func(float64) float64, radius float64) {
	switch f {
	case Lanczos:
		return lanczos, 3
	case Bilinear:
		return triangle, 1
	case Bicubic:
		return keys, 2
	case Box:
		return box, 0.5
	case Hamming:
		return hamming, 1
	}
	panic("imageproc: no kernel for filter " + f.String())
}

func box(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func triangle(x float64) float64 {
	if x = math.Abs(x); x < 1 {
		return 1 - x
	}
	return 0
}

// keys is the cubic convolution kernel of Keys (1981) with a = -0.5.
func keys(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(float64(x-5)*x)+8)*x)-4) * a
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

func lanczos(x float64) float64 {
	if x >= -3 && x < 3 {
		return sinc(x) * sinc(x/3)
	}
	return 0
}

func hamming(x float64) float64 {
	x = math.Abs(x)
	if x == 0 {
		return 1
	}
	if x >= 1 {
		return 0
	}
	x *= math.Pi
	return math.Sin(x) / x * (0.54 + float64(0.46*math.Cos(x)))
}
