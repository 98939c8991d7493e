package imageproc

import (
	"strings"
	"testing"
)

// TestSmartResize wants the sizes of smart_resize in transformers 4.51.3 and, of
// sides shorter than a square, in 5.24.
func TestSmartResize(t *testing.T) {
	steps := []SmartResize{{Factor: 28, Min: 3136, Max: 12845056, Filter: Bicubic}, {Factor: 28, Min: 3136, Max: 1003520, Filter: Bicubic}, {Factor: 28, Min: 200704, Max: 1003520, Filter: Bicubic}}
	for _, c := range [][8]int{
		{28, 28, 56, 56, 56, 56, 448, 448},
		{42, 70, 56, 56, 56, 56, 364, 588},
		{70, 42, 56, 56, 56, 56, 588, 364},
		{98, 126, 112, 112, 112, 112, 420, 532},
		{640, 480, 644, 476, 644, 476, 644, 476},
		{1003, 1001, 1008, 1008, 980, 980, 980, 980},
		{5600, 28, 5600, 28, 5600, 28, 6356, 56},
		{28, 5600, 28, 5600, 28, 5600, 56, 6356},
		{4000, 3000, 4004, 2996, 1148, 840, 1148, 840},
		{101, 47, 112, 56, 112, 56, 672, 308},
		{1920, 1080, 1932, 1092, 1316, 728, 1316, 728},
		{29, 4000, 28, 4004, 28, 4004, 56, 5264},
		{1, 1, 56, 56, 56, 56, 448, 448},
		{8, 1600, 28, 812, 28, 812, 56, 6356},
		{1600, 8, 812, 28, 812, 28, 6356, 56},
		{200, 1, 812, 28, 812, 28, 6356, 56},
		{27, 27, 56, 56, 56, 56, 448, 448},
		{14, 900, 28, 476, 28, 476, 56, 3612},
		{3, 500, 28, 728, 28, 728, 56, 5796},
	} {
		for i, s := range steps {
			if p := s.place(c[0], c[1]); p.err != nil || p.w != c[2+2*i] || p.h != c[3+2*i] {
				t.Errorf("%v of %d×%d: %d×%d, %v; want %v", s, c[0], c[1], p.w, p.h, p.err, c)
			}
		}
	}
}

func TestSmartResizeErrors(t *testing.T) {
	p := parse(t, `{"image_processor_type": "Qwen2VLImageProcessor"}`)
	if s, _ := p.Smart(); s != (SmartResize{Factor: 28, Min: 3136, Max: 1003520, Filter: Bicubic}) {
		t.Errorf("defaults %+v", s)
	}
	for want, size := range map[string][2]int{
		"of a 201×1 picture: it is more than 200 times as long as wide":   {201, 1},
		"of a 5601×28 picture: it is more than 200 times as long as wide": {5601, 28},
	} {
		if _, err := p.Process(NewRGB(size[0], size[1]), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for fields, want := range map[string]string{
		`"patch_size": 0`:                        "patch_size 0, merge_size 2",
		`"min_pixels": 9000, "max_pixels": 4000`: "pictures of 9000 to 4000 pixels",
		`"max_pixels": 100, "min_pixels": 1`:     "pictures of 1 to 100 pixels",
		`"max_pixels": 1000000000000`:            "to 1000000000000 pixels",
		`"do_resize": false`:                     "do_resize is false",
		`"size": {"longest_edge": 10}`:           "to 10 pixels",
	} {
		if _, err := ParseProcessor([]byte(`{"image_processor_type": "Qwen2VLImageProcessor", ` + fields + `}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", fields, err, want)
		}
	}
}
