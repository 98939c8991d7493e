package imageproc

import (
	"image"
	"testing"
)

// TestFits: Fits says of a size what Views says of a picture of that size.
func TestFits(t *testing.T) {
	smart := parse(t, `{"image_processor_type": "Qwen2VLImageProcessor", "max_pixels": 100000}`)
	crop := NewPipeline(Normalize{}, ResizeShortest{14, Bicubic}, CenterCrop{14, 14})
	square := NewPipeline(Normalize{}, PadSquare{}, ResizeTo{16, 16, Bicubic})
	tiles := square.Tiled(Tiling{Sizes: []image.Point{{16, 32}, {32, 16}}, Side: 16, Filter: Bicubic})
	for name, p := range map[string]*Processor{"smart": smart, "crop": crop, "square": square, "tiles": tiles} {
		for _, size := range [][2]int{{0, 4}, {1, 1}, {27, 28}, {28, 28}, {200, 30}, {29, 6000}, {300, 1}, {1 << 11, 1 << 4}} {
			_, err := p.Views(NewRGB(size[0], size[1]))
			if got := p.Fits(size[0], size[1]); (got == nil) != (err == nil) || err != nil && got.Error() != err.Error() {
				t.Errorf("%s, %v: %v, but %v", name, size, got, err)
			}
		}
	}
}
