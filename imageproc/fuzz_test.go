package imageproc

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode requires an error or a picture of the size it states, never a panic.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("testdata/decode/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(pngHeader(100_000, 100_000))
	opts := Options{MaxBytes: 1 << 16, MaxPixels: 1 << 14, Background: &White}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Decode(data, "fuzz", opts)
		if err == nil && (img.W < 1 || img.H < 1 || img.W*img.H > 1<<14 || len(img.Pix) != 3*img.W*img.H) {
			t.Errorf("%d×%d pixels in %d bytes", img.W, img.H, len(img.Pix))
		}
	})
}

// FuzzExif reads the same bytes as the EXIF data of every format.
func FuzzExif(f *testing.F) {
	for _, name := range []string{"orient6.jpg", "orient6.png", "orient6.webp", "orient6.tif"} {
		data, err := os.ReadFile("testdata/decode/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 12 {
			return
		}
		for _, exif := range [][]byte{data, jpegExif(data), pngExif(data), webpExif(data)} {
			if o := orientation(exif); o < 1 || o > 8 {
				t.Errorf("orientation %d", o)
			}
		}
	})
}

func FuzzProcessor(f *testing.F) {
	names, err := filepath.Glob("testdata/pixel_values/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"image_processor_type": "LlavaNextImageProcessor", "size": 4, "crop_size": 4, "image_grid_pinpoints": [[4, 8], [8, 8]]}`))
	f.Add([]byte(`{"image_processor_type": "LlavaOnevisionImageProcessor", "size": {"height": 4, "width": 4}, "image_grid_pinpoints": [[12, 4]]}`))
	f.Add([]byte(`{"image_processor_type": "GotOcr2ImageProcessor", "size": {"height": 4, "width": 4}, "crop_to_patches": true, "max_patches": 6}`))
	f.Add([]byte(`{"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 1, "merge_size": 1, "min_pixels": 10, "max_pixels": 20}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProcessor(data)
		if err != nil {
			return
		}
		if r, ok := p.Smart(); ok && r.Factor > 2 {
			return // which the picture is too small for
		}
		w, h := p.OutputSize(3, 2)
		if tiles := p.Dynamic(); tiles != nil {
			cols, rows := tiles.Grid(3, 2)
			if n := cols * rows; n > 1 {
				h *= n + 1
			}
		}
		if tiles := p.Tiling(); tiles != nil {
			cols, rows := tiles.Grid(3, 2)
			h *= 1 + cols*rows
		}
		if w*h < 1<<16 {
			if _, err := p.Views(NewRGB(3, 2)); err != nil {
				t.Error(err)
			}
		}
	})
}
