package imageproc

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// planesCases were computed by torch 2.15: interpolate of a random picture without
// antialiasing, and rounding to half.
type planesCases struct {
	W, H   int
	Pixels []float32
	Cases  []struct {
		Mode   string
		W, H   int
		Pixels []float32
	}
	Floats []float32
	Half   []float64
}

func readPlanes(t *testing.T) (c planesCases) {
	t.Helper()
	data, err := os.ReadFile("testdata/planes.json")
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPlanesScaled(t *testing.T) {
	c := readPlanes(t)
	p := Planes{c.Pixels, c.W, c.H}
	for _, want := range c.Cases {
		k, err := ParseInterpolation(want.Mode)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Scaled(want.W, want.H, k)
		for i, v := range want.Pixels {
			if math.Abs(float64(v-got.Pixels[i])) > 2e-6 {
				t.Errorf("%s to %d×%d: element %d is %v, want %v", want.Mode, want.W, want.H, i, got.Pixels[i], v)
				break
			}
		}
	}
	if _, err := ParseInterpolation("area"); err == nil {
		t.Error("no error of an unknown interpolation")
	}
}

func TestPlanesHalf(t *testing.T) {
	c := readPlanes(t)
	got := Planes{c.Floats, len(c.Floats), 1}.Half()
	for i, want := range c.Half {
		if v := float64(got.Pixels[i]); v != want && !(math.IsInf(v, int(math.Copysign(1, want))) && math.Abs(want) > 1e38) {
			t.Errorf("%v rounds to %v, want %v", c.Floats[i], v, want)
		}
	}
}

func TestPlanesWindowAndNormalize(t *testing.T) {
	p := Planes{make([]float32, 3*4*3), 4, 3}
	for i := range p.Pixels {
		p.Pixels[i] = float32(i)
	}
	w := p.Window(1, 2, 2, 1)
	if !slices.Equal(w.Pixels, []float32{9, 10, 21, 22, 33, 34}) || w.W != 2 || w.H != 1 {
		t.Errorf("window %v", w)
	}
	from := Normalize{Mean: [3]float64{1, 2, 3}, Std: [3]float64{2, 2, 4}}
	to := Normalize{Mean: [3]float64{0, 2, 1}, Std: [3]float64{1, 4, 2}}
	// 9·2+1 = 19, 21·2+2 = 44 → (44-2)/4, 33·4+3 = 135 → (135-1)/2
	if n := w.Renormalized(from, to); n.Pixels[0] != 19 || n.Pixels[2] != 10.5 || n.Pixels[4] != 67 {
		t.Errorf("renormalised %v", n.Pixels)
	}
}

// TestPlanesHalfScaled compares with torch 2.15's interpolate of half-precision
// pixels on a CPU, which adds up in another order: a few sums are rounded otherwise.
func TestPlanesHalfScaled(t *testing.T) {
	var c planesCases
	data, err := os.ReadFile("testdata/planes_half.json")
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range c.Cases {
		k, err := ParseInterpolation(want.Mode)
		if err != nil {
			t.Fatal(err)
		}
		got, other := Planes{c.Pixels, c.W, c.H}.HalfScaled(want.W, want.H, k), 0
		for i, v := range want.Pixels {
			if got.Pixels[i] != v {
				other++
			}
			if off := math.Abs(float64(v - got.Pixels[i])); off > math.Max(math.Abs(float64(v))/1024, 1e-6) {
				t.Errorf("%s to %d×%d: element %d is %v, want %v", want.Mode, want.W, want.H, i, got.Pixels[i], v)
			}
		}
		if other > len(want.Pixels)/50 {
			t.Errorf("%s to %d×%d: %d of %d elements are others", want.Mode, want.W, want.H, other, len(want.Pixels))
		}
	}
}
