package imageproc

import (
	"encoding/json"
	"hash/crc32"
	"os"
	"strings"
	"testing"
)

// TestDynamicTiles wants the arrangements that transformers 5.24 chooses for
// InternVL (get_optimal_tiled_canvas) and the bytes of the tiles of InternVL's
// published dynamic_preprocess with Pillow, each axis by a call of its own since
// Pillow 13 may begin with the other one, of pictures that a generator of
// numbers draws; testdata/dynamic.json has both, the bytes as CRC-32.
func TestDynamicTiles(t *testing.T) {
	data, err := os.ReadFile("testdata/dynamic.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Grids    [][7]int
		Pictures []struct {
			W, H, Min, Max, Side, Cols, Rows int
			Thumbnail                        bool
			CRC                              []uint32
		}
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, g := range want.Grids {
		d := DynamicTiling{Min: g[0], Max: g[1], Side: g[2]}
		if cols, rows := d.Grid(g[3], g[4]); cols != g[5] || rows != g[6] {
			t.Errorf("%d×%d in %v: %d×%d tiles, want %d×%d", g[3], g[4], &d, cols, rows, g[5], g[6])
		}
	}
	for _, c := range want.Pictures {
		p, err := NewDynamic(CLIPNormalize(), DynamicTiling{c.Min, c.Max, c.Side, c.Thumbnail, Bicubic})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := p.Show(drawn(c.W, c.H))
		if err != nil {
			t.Fatal(err)
		}
		if len(shown.Pictures) != len(c.CRC) || len(c.CRC) > 1 && (shown.Cols != c.Cols || shown.Rows != c.Rows) {
			t.Fatalf("%+v: %d views, %d×%d tiles", c, len(shown.Pictures), shown.Cols, shown.Rows)
		}
		for i, view := range shown.Pictures {
			if got := crc32.ChecksumIEEE(view.Pix); got != c.CRC[i] {
				t.Errorf("%+v: view %d is another", c, i)
			}
		}
		if m := shown.Mosaic(); m.W < shown.Cols*c.Side || m.H < shown.Rows*c.Side {
			t.Errorf("%+v: a mosaic of %d×%d pixels", c, m.W, m.H)
		}
	}
}

// drawn is a picture of noise.
func drawn(w, h int) *RGB {
	img, v := NewRGB(w, h), uint64(1)
	for i := range img.Pix {
		v = (v*1103515245 + 12345) & 0x7fffffff
		img.Pix[i] = uint8(v >> 16)
	}
	return img
}

func TestDynamicConfig(t *testing.T) {
	p := parse(t, `{"image_processor_type": "GotOcr2ImageProcessorFast", "size": {"height": 448, "width": 448}, "crop_to_patches": true, "max_patches": 6}`)
	if got := p.String(); !strings.Contains(got, "1 to 6 tiles 448x448 and thumbnail") {
		t.Error(got)
	}
	if p := parse(t, `{"image_processor_type": "GotOcr2ImageProcessor"}`); p.dynamic != nil {
		t.Error("tiles that were not asked for")
	}
	for config, want := range map[string]string{
		`"max_patches": 0`:                        "1 to 0 tiles",
		`"min_patches": 3, "max_patches": 2`:      "3 to 2 tiles",
		`"max_patches": 1000000`:                  "1 to 1000000 tiles",
		`"size": {"height": 3, "width": 4}`:       "tiles are square",
		`"size": {"height": 9000, "width": 9000}`: "more than the limit",
		`"size": {"height": 0, "width": 4}`:       "size.height is 0",
	} {
		_, err := ParseProcessor([]byte(`{"image_processor_type": "GotOcr2ImageProcessor", "crop_to_patches": true, ` + config + `}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}
