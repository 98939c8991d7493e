package jpeg

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// picture is a file of the standard library's encoder.
func picture(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(x*3 + y), uint8(y*5 + rng.IntN(40)), uint8(x + 2*y), 255})
		}
	}
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, m, &stdjpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestErrors(t *testing.T) {
	data := picture(t, 40, 30)
	at := func(marker byte) int { return bytes.Index(data, []byte{0xff, marker}) }
	edit := func(f func(b []byte)) []byte {
		b := bytes.Clone(data)
		f(b)
		return b
	}
	for want, file := range map[string][]byte{
		"not a JPEG file":                         []byte("GIF89a"),
		"no frame header":                         {0xff, 0xd8, 0xff, 0xd9},
		"coding process 9 is not supported":       edit(func(b []byte) { b[at(sof0)+1] = 0xc9 }),
		"coding process 3 is not supported":       edit(func(b []byte) { b[at(sof0)+1] = 0xc3 }),
		"samples of 12 bits":                      edit(func(b []byte) { b[at(sof0)+4] = 12 }),
		"0×30 pixels":                             edit(func(b []byte) { b[at(sof0)+7], b[at(sof0)+8] = 0, 0 }),
		"sampling factors 0 and 2":                edit(func(b []byte) { b[at(sof0)+11] = 0x02 }),
		"two components have number 1":            edit(func(b []byte) { b[at(sof0)+13] = 1 }),
		"no whole ratio":                          edit(func(b []byte) { b[at(sof0)+11], b[at(sof0)+14] = 0x32, 0x21 }),
		"bad quantisation table":                  edit(func(b []byte) { b[at(dqt)+4] = 0x2f }),
		"bad Huffman table":                       edit(func(b []byte) { b[at(dht)+4] = 0x2f }),
		"more codes than there are":               edit(func(b []byte) { b[at(dht)+5] = 3 }),
		"there is no quantisation table 3":        edit(func(b []byte) { b[at(sof0)+12] = 3 }),
		"a Huffman table that the file does not":  edit(func(b []byte) { b[at(sos)+6] = 0x33 }),
		"a scan names component 9":                edit(func(b []byte) { b[at(sos)+5] = 9 }),
		"names component 1 twice":                 edit(func(b []byte) { b[at(sos)+7] = 1 }),
		"is 1 bytes long":                         edit(func(b []byte) { b[at(dqt)+2], b[at(dqt)+3] = 0, 1 }),
		"a marker stands where the picture's":     append(bytes.Clone(data[:len(data)*9/10]), 0xff, 0xd9),
		"the data ends before the picture is who": data[:len(data)*9/10],
	} {
		if _, err := Decode(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := Decode(data[:len(data)-2]); err != nil {
		t.Errorf("without its end marker, a whole picture is refused: %v", err)
	}
	for n := range len(data) - 60 { // up to where the last blocks may be whole
		if _, err := Decode(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes are a whole picture", n, len(data))
		}
	}
	if _, err := Decode(data[:300]); !errors.Is(err, ErrTruncated) {
		t.Errorf("error %v, want that the data is truncated", err)
	}
}

// FuzzDecode wants no panic, and pictures of the size that Config tells.
func FuzzDecode(f *testing.F) {
	f.Add(picture(f, 20, 9))
	files, _ := filepath.Glob("../testdata/decode/jpeg_*.jpg")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, h, n, err := Config(data)
		if err != nil || w*h > 1<<16 {
			return
		}
		m, err := Decode(data)
		if err != nil {
			return
		}
		if m.W != w || m.H != h || len(m.Planes) != n {
			t.Errorf("%d×%d with %d components, and Config tells %d×%d with %d", m.W, m.H, len(m.Planes), w, h, n)
		}
		for i, p := range m.Planes {
			if p.W*p.X < m.W || p.H*p.Y < m.H || (p.H-1)*p.Stride+p.W > len(p.Pix) {
				t.Errorf("plane %d: %d×%d samples, stride %d, %d bytes", i, p.W, p.H, p.Stride, len(p.Pix))
			}
		}
	})
}

// BenchmarkDecode compares with the standard library, which rounds otherwise.
func BenchmarkDecode(b *testing.B) {
	data := picture(b, 1600, 1200)
	b.Run("fovea", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("image_jpeg", func(b *testing.B) {
		for b.Loop() {
			if _, err := stdjpeg.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
