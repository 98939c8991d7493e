package imageproc

import (
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTilingSizes wants the sizes that select_best_resolution and
// _get_patch_output_size of transformers 4.51.3 choose, with the default sizes
// of its LlavaNextImageProcessor and LlavaOnevisionImageProcessor.
func TestTilingSizes(t *testing.T) {
	next := parse(t, `{"image_processor_type": "LlavaNextImageProcessor", "size": {"shortest_edge": 336}, "crop_size": 336}`).Tiling()
	onevision := parse(t, `{"image_processor_type": "LlavaOnevisionImageProcessor"}`).Tiling()
	for _, c := range [][8]int{ // picture, NeXT's size, the picture in it, OneVision's size
		{1, 1, 672, 336, 336, 336, 384, 384},
		{640, 480, 672, 672, 672, 504, 768, 768},
		{480, 640, 672, 672, 504, 672, 768, 768},
		{1000, 1, 1008, 336, 1008, 2, 1152, 384},
		{3, 700, 336, 1008, 5, 1008, 384, 768},
		{1920, 1080, 672, 672, 672, 378, 1920, 1152},
		{1079, 1921, 672, 672, 378, 672, 1152, 2304},
		{333, 1000, 336, 1008, 336, 1008, 384, 1152},
		{4000, 600, 1008, 336, 1008, 152, 2304, 384},
		{123, 457, 336, 672, 181, 672, 384, 768},
		{5000, 3, 672, 336, 672, 1, 2304, 384},
		{2305, 777, 1008, 336, 997, 336, 2304, 1152},
		{1200, 1199, 672, 672, 672, 672, 1536, 1536},
	} {
		w, h := c[0], c[1]
		size := next.best(w, h)
		if got := inside(w, h, size); size != image.Pt(c[2], c[3]) || got != image.Pt(c[4], c[5]) {
			t.Errorf("%d×%d: %v in %v, want %v", w, h, got, size, c)
		}
		if cols, rows := onevision.Grid(w, h); cols != c[6]/384 || rows != c[7]/384 {
			t.Errorf("%d×%d: %d×%d tiles, want %v", w, h, cols, rows, c)
		}
	}
}

func parse(t testing.TB, config string) *Processor {
	t.Helper()
	p, err := ParseProcessor([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTilesAreCutFromOnePicture lays the tiles side by side and compares with the
// picture scaled and padded at once, borders that fill whole tiles included.
func TestTilesAreCutFromOnePicture(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ w, h, cols, rows int }{{50, 31, 3, 2}, {31, 50, 1, 3}, {90, 4, 1, 3}, {4, 90, 5, 1}, {16, 16, 1, 1}} {
		const side = 8
		img := NewRGB(c.w, c.h)
		for i := range img.Pix {
			img.Pix[i] = uint8(1 + rng.IntN(255))
		}
		p := NewPipeline(Normalize{}, ResizeTo{side, side, Bicubic}).
			Tiled(Tiling{Sizes: []image.Point{{X: c.cols * side, Y: c.rows * side}}, Side: side, Filter: Bicubic})
		shown, err := p.Show(img)
		if err != nil {
			t.Fatal(err)
		}
		if shown.Cols != c.cols || shown.Rows != c.rows || len(shown.Pictures) != 1+c.cols*c.rows {
			t.Fatalf("%+v: %d×%d tiles, %d views", c, shown.Cols, shown.Rows, len(shown.Pictures))
		}
		s := inside(c.w, c.h, image.Pt(c.cols*side, c.rows*side))
		whole := Resize(img, s.X, s.Y, Bicubic).Window(-((c.cols*side - s.X) / 2), -((c.rows*side - s.Y) / 2), c.cols*side, c.rows*side, Color{})
		for i, got := range shown.Pictures[1:] {
			x, y := i%c.cols*side, i/c.cols*side
			if want := whole.Window(x, y, side, side, Color{}); !slices.Equal(got.Pix, want.Pix) {
				t.Errorf("%+v: tile %d is another", c, i)
			}
			box := shown.Geometry[1+i].ToModel(img.Bounds())
			if want := float64((c.cols*side-s.X)/2 - x); box.X0 != want || box.X1 != want+float64(s.X) {
				t.Errorf("%+v: tile %d: the picture lies at %v, want %v", c, i, box, want)
			}
		}
		if want := Resize(img, side, side, Bicubic); !slices.Equal(shown.Pictures[0].Pix, want.Pix) {
			t.Errorf("%+v: the whole picture is another", c)
		}
	}
}

func TestMosaic(t *testing.T) {
	s := &Shown{Cols: 2, Rows: 1}
	for i := range 3 {
		m := NewRGB(3, 2)
		m.fill(Color{uint8(i), 0, 0})
		s.Pictures = append(s.Pictures, m)
	}
	m := s.Mosaic()
	if m.W != 3+4+3+4+3 || m.H != 2 {
		t.Fatalf("%d×%d pixels", m.W, m.H)
	}
	for x, want := range map[int]Color{2: {0, 0, 0}, 3: White, 7: {1, 0, 0}, 9: {1, 0, 0}, 10: White, 16: {2, 0, 0}} {
		if got := m.At(x, 1); got != want {
			t.Errorf("column %d is %v, want %v", x, got, want)
		}
	}
}

func TestTilingErrors(t *testing.T) {
	for fields, want := range map[string]string{
		`[]`:                  "0 sizes",
		`[[336]]`:             "[336] is not a height and a width",
		`[[336, 300]]`:        "[336 300] cannot be cut",
		`[[0, 336]]`:          "[0 336] cannot be cut",
		`[[336, 1073741824]]`: "cannot be cut",
		`[[16128, 16128]]`:    "at most 1024 tiles",
	} {
		_, err := ParseProcessor([]byte(`{"image_processor_type": "LlavaNextImageProcessor", "crop_size": 336, "image_grid_pinpoints": ` + fields + `}`))
		if err == nil || !strings.Contains(err.Error(), "image_grid_pinpoints: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", fields, err, want)
		}
	}
	if _, err := parse(t, `{"image_processor_type": "LlavaOnevisionImageProcessor"}`).Views(NewRGB(0, 5)); err == nil {
		t.Error("a picture without pixels passes")
	}
}
