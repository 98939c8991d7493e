package imageproc

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// TestDecodePillow compares with ImageOps.exif_transpose(…).convert("RGB") of
// Pillow 13. X.want.png is the expectation for the file X. The files *16_noise* hold
// 16-bit PNGs of every colour type, with all five filters, interlaced and with a
// transparent colour: each sample any value, those at the edges of a byte often.
func TestDecodePillow(t *testing.T) {
	wants, err := filepath.Glob("testdata/decode/*.want.png")
	if err != nil || len(wants) < 50 {
		t.Fatal(len(wants), err)
	}
	for _, name := range wants {
		want := open(t, name)
		name = strings.TrimSuffix(name, ".want.png")
		got, err := OpenFile(name, Options{})
		switch {
		case err != nil:
			t.Error(err)
		case got.W != want.W || got.H != want.H:
			t.Errorf("%s: %d×%d pixels, want %d×%d", name, got.W, got.H, want.W, want.H)
		case maxDiff(got.Pix, want.Pix) > 0:
			t.Errorf("%s: largest difference %d", name, maxDiff(got.Pix, want.Pix))
		}
	}
}

func TestBackground(t *testing.T) {
	src := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	src.SetNRGBA(0, 0, color.NRGBA{10, 20, 30, 0})
	src.SetNRGBA(1, 0, color.NRGBA{10, 20, 30, 255})
	src.SetNRGBA(2, 0, color.NRGBA{10, 20, 30, 51})
	data := encode(t, png.Encode, src)
	for _, c := range []struct {
		opts Options
		want []uint8
	}{
		{Options{}, []uint8{10, 20, 30, 10, 20, 30, 10, 20, 30}},
		{Options{Background: &White}, []uint8{255, 255, 255, 10, 20, 30, 206, 208, 210}},
		{Options{Background: &Color{}}, []uint8{0, 0, 0, 10, 20, 30, 2, 4, 6}},
	} {
		got, err := Decode(data, "x.png", c.opts)
		if err != nil || !bytes.Equal(got.Pix, c.want) {
			t.Errorf("background %v: %v, %v", c.opts.Background, got, err)
		}
	}
	// Index 3 of the picture, and the canvas around a frame, are transparent.
	for _, name := range []string{"transparent.gif", "offset_trans.gif", "pal_trns.png", "lossless_alpha.webp"} {
		plain := open(t, "testdata/decode/"+name)
		got, err := OpenFile("testdata/decode/"+name, Options{Background: &White})
		if err != nil || bytes.Equal(got.Pix, plain.Pix) {
			t.Errorf("%s: nothing was composited, %v", name, err)
		}
	}
}

func encode(t testing.TB, f func(io.Writer, image.Image) error, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }
func encodeGIF(w io.Writer, m image.Image) error  { return gif.Encode(w, m, nil) }
func encodeTIFF(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }

func TestOnePixel(t *testing.T) {
	p := NewPipeline(Normalize{Rescale: 1.0 / 255}, ResizeShortest{14, Bicubic}, CenterCrop{14, 14})
	src := image.NewRGBA(image.Rect(0, 0, 1, 1))
	src.Set(0, 0, color.White)
	for name, f := range map[string]func(io.Writer, image.Image) error{
		"png": png.Encode, "jpeg": encodeJPEG, "gif": encodeGIF, "bmp": bmp.Encode, "tiff": encodeTIFF,
	} {
		img, err := Decode(encode(t, f, src), name, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := p.Process(img, nil)
		if err != nil || got.Pixels[0] != 1 || got.Pixels[3*14*14-1] != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if img := open(t, "testdata/decode/lossy_1x1.webp"); img.W != 1 || img.H != 1 {
		t.Errorf("webp: %d×%d", img.W, img.H)
	}
}

// pngHeader is the beginning of a PNG file of w by h grey pixels.
func pngHeader(w, h uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = append(binary.BigEndian.AppendUint32(chunk, h), 8, 0, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

func TestDecodeErrors(t *testing.T) {
	whole, err := os.ReadFile("testdata/decode/jpeg_420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	pngFile := encode(t, png.Encode, image.NewGray(image.Rect(0, 0, 40, 40)))
	riff := "RIFF\x1a\x00\x00\x00WEBPANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	vp8x := "VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x05\x00\x00"
	for _, c := range []struct {
		name, data string
		opts       Options
		want       string
	}{
		{"notes.png", "Dear diary,\ntoday", Options{}, `notes.png: not a PNG, JPEG, GIF, WebP, BMP or TIFF picture: it is text that begins "Dear diary,"`},
		{"empty.png", "", Options{}, "the file is empty"},
		{"a.jpg", "%PDF-1.7", Options{}, "it is a PDF document"},
		{"a.jpg", "<?xml?><SVG/>", Options{}, "it is an SVG drawing"},
		{"a.heic", "\x00\x00\x00\x18ftypheic", Options{}, "it is a HEIC picture"},
		{"a.bin", "\x01\x02\x03", Options{}, "it begins with the bytes 01 02 03"},
		{"huge.png", string(pngHeader(100_000, 100_000)), Options{}, "huge.png: image is 100000×100000 pixels, more than the limit of 89478485"},
		{"huge.gif", "GIF89a\xff\xff\xff\xff\x00\x00\x00", Options{}, "65535×65535 pixels"},
		{"wide.png", string(pngHeader(101, 100)), Options{MaxPixels: 10_000}, "101×100 pixels, more than the limit of 10000"},
		{"long.png", string(pngFile), Options{MaxBytes: 20}, "larger than the limit of 20 bytes"},
		{"cut.png", string(pngFile[:len(pngFile)-20]), Options{}, "cut.png: PNG data is truncated"},
		{"head.png", string(pngFile[:12]), Options{}, "PNG data is truncated"},
		{"cut.jpg", string(whole[:len(whole)/2]), Options{}, "cut.jpg: JPEG data is truncated"},
		{"cut.gif", "GIF89a\x01\x00\x01\x00\x00\x00\x00", Options{}, "GIF data is truncated"},
		{"film.webp", riff[:12] + vp8x + riff[12:], Options{}, "the animation has no frames"},
	} {
		_, err := Decode([]byte(c.data), c.name, c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := OpenFile("testdata/none.png", Options{}); err == nil || !strings.Contains(err.Error(), "testdata/none.png") {
		t.Errorf("missing file: %v", err)
	}
	endless := io.MultiReader(bytes.NewReader(pngFile), zeros{})
	if _, err := Read(endless, "endless", Options{MaxBytes: 1 << 16}); err == nil || !strings.Contains(err.Error(), "65536 bytes") {
		t.Errorf("endless file: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestOrientation(t *testing.T) {
	le := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
	be := "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00"
	for data, want := range map[string]int{
		le: 6, be: 8, "Exif\x00\x00" + le: 6, "": 1, le[:20]: 1, "XX" + le[2:]: 1,
		le[:4] + "\xff\xff\xff\xff" + le[8:]: 1,
		le[:18] + "\x09" + le[19:]:           1,
		le[:12] + "\x04" + le[13:]:           1,
	} {
		if got := orientation([]byte(data)); got != want {
			t.Errorf("%q: orientation %d, want %d", data, got, want)
		}
	}
}
