package imageproc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestResizePillow compares with pictures that Pillow resized, to the bit.
func TestResizePillow(t *testing.T) {
	const dir = "testdata/pil_resize"
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Cases []struct {
			Src, Filter, Tensor string
			Width, Height       int
			Box                 []float64
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected.Cases) < 50 {
		t.Fatalf("%d cases", len(expected.Cases))
	}
	tensors := readSafetensors(t, filepath.Join(dir, "expected.safetensors"))
	for _, c := range expected.Cases {
		src := open(t, filepath.Join(dir, c.Src))
		box := src.Bounds()
		if c.Box != nil {
			box = Rect{c.Box[0], c.Box[1], c.Box[2], c.Box[3]}
		}
		f := Filter(slices.Index(filterNames[:], c.Filter))
		got := ResizeBox(src, box, c.Width, c.Height, f)
		if want := tensors[c.Tensor]; !bytes.Equal(got.Pix, want) {
			t.Errorf("%s: largest difference %d", c.Tensor, maxDiff(got.Pix, want))
		}
	}
}

// TestConvertPillow compares the conversion of grey, palette and alpha pictures.
func TestConvertPillow(t *testing.T) {
	tensors := readSafetensors(t, "testdata/pil_resize/expected.safetensors")
	for _, name := range []string{"rgba", "gray", "palette"} {
		got := open(t, "testdata/pil_resize/"+name+".png")
		if want := tensors["convert."+name]; !bytes.Equal(got.Pix, want) {
			t.Errorf("%s: largest difference %d", name, maxDiff(got.Pix, want))
		}
	}
}

func maxDiff(a, b []uint8) int {
	if len(a) != len(b) {
		return 256
	}
	d := 0
	for i := range a {
		d = max(d, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return d
}

// noise returns a picture of random bytes.
func noise(seed uint64, w, h int) *RGB {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := NewRGB(w, h)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.Uint32())
	}
	return m
}

// TestResizeWindow requires a window of a resize to equal that part of the whole.
func TestResizeWindow(t *testing.T) {
	for seed, c := range [][4]int{{50, 40, 20, 30}, {20, 30, 50, 47}, {31, 31, 31, 10}, {31, 31, 9, 31}, {7, 9, 7, 9}, {1, 1, 40, 40}} {
		src := noise(uint64(seed), c[0], c[1])
		for f := range Filter(len(filterNames)) {
			whole := Resize(src, c[2], c[3], f)
			win := image.Rect(c[2]/4, c[3]/3, c[2]/4+1+c[2]/2, c[3]/3+1+c[3]/3)
			got := resizeWindow(src, src.Bounds(), c[2], c[3], win, f)
			want := whole.Window(win.Min.X, win.Min.Y, win.Dx(), win.Dy(), Color{})
			if got.W != want.W || got.H != want.H || !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%v %v: window differs from the whole", c, f)
			}
		}
	}
}

// TestResizeParallel requires the result not to depend on the work's division.
func TestResizeParallel(t *testing.T) {
	src := noise(3, 1500, 900)
	got := Resize(src, 700, 500, Bicubic)
	for _, rows := range [][2]int{{0, 1}, {123, 321}, {499, 500}} {
		part := resizeWindow(src, src.Bounds(), 700, 500, image.Rect(0, rows[0], 700, rows[1]), Bicubic)
		if !bytes.Equal(part.Pix, got.Pix[3*700*rows[0]:3*700*rows[1]]) {
			t.Errorf("rows %v differ", rows)
		}
	}
}

func TestResizeConstant(t *testing.T) {
	src := NewRGB(37, 23)
	src.fill(Color{255, 128, 1})
	for f := range Filter(len(filterNames)) {
		out := Resize(src, 60, 5, f)
		for y := range out.H {
			for x := range out.W {
				if out.At(x, y) != (Color{255, 128, 1}) {
					t.Fatalf("%v: %v at %d,%d", f, out.At(x, y), x, y)
				}
			}
		}
	}
}

func TestResizePanics(t *testing.T) {
	src := NewRGB(4, 4)
	for name, f := range map[string]func(){
		"zero size":  func() { Resize(src, 0, 3, Bicubic) },
		"bad filter": func() { Resize(src, 3, 3, 9) },
		"box leaves": func() { ResizeBox(src, Rect{0, 0, 5, 4}, 3, 3, Bicubic) },
		"empty box":  func() { ResizeBox(src, Rect{2, 0, 2, 4}, 3, 3, Bicubic) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct{ w, h, outW, outH int }{{1920, 1080, 597, 336}, {640, 480, 448, 336}, {256, 256, 336, 336}} {
		src := noise(1, c.w, c.h)
		for _, f := range []Filter{Nearest, Bilinear, Bicubic, Lanczos} {
			b.Run(fmt.Sprintf("%v/%dx%d-%dx%d", f, c.w, c.h, c.outW, c.outH), func(b *testing.B) {
				for b.Loop() {
					Resize(src, c.outW, c.outH, f)
				}
				b.ReportMetric(float64(c.w*c.h)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MP/s")
			})
		}
	}
}
