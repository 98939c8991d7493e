package llava

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// TestTokens wants the numbers of tokens that LlavaNextProcessor and
// LlavaOnevisionProcessor of transformers 4.51.3 count.
func TestTokens(t *testing.T) {
	next, onevision := tiled(t, ParseNext, 336, 14, ""), tiled(t, ParseOneVision, 384, 14, "")
	for _, c := range [][8]int{ // picture, tiles across and down and tokens of NeXT, of OneVision
		{1, 1, 2, 1, 1176, 1, 1, 1485},
		{640, 480, 2, 2, 2340, 2, 2, 2929},
		{480, 640, 2, 2, 2352, 2, 2, 2943},
		{1000, 1, 3, 1, 576, 3, 1, 811},
		{3, 700, 1, 3, 648, 1, 2, 837},
		{1920, 1080, 2, 2, 1948, 5, 3, 7269},
		{1079, 1921, 2, 2, 1872, 3, 6, 7317},
		{333, 1000, 1, 3, 2376, 1, 3, 2997},
		{2048, 2048, 2, 2, 2928, 6, 6, 7371},
		{4000, 600, 3, 1, 1306, 6, 1, 4804},
		{123, 457, 1, 2, 1200, 1, 2, 1593},
		{997, 991, 2, 2, 2928, 3, 3, 7371},
		{2305, 777, 3, 1, 2328, 6, 3, 7309},
		{1200, 1199, 2, 2, 2928, 4, 4, 7371},
	} {
		size := image.Pt(c[0], c[1])
		if n := next.Tokens(&model.Tiles{Original: size, Cols: c[2], Rows: c[3]}); n != c[4] {
			t.Errorf("NeXT, %v: %d tokens, want %d", size, n, c[4])
		}
		if n := onevision.Tokens(&model.Tiles{Original: size, Cols: c[5], Rows: c[6]}); n != c[7] {
			t.Errorf("OneVision, %v: %d tokens, want %d", size, n, c[7])
		}
	}
	if a, b := next.TokensPerImage(), onevision.TokensPerImage(); a != 2928 || b != 8154 {
		t.Errorf("at most %d and %d tokens", a, b)
	}
}

// tiled declares a tiny model with views of the given side.
func tiled(t testing.TB, parse func([]byte) (Config, error), side, patch int, fields string) *Model {
	t.Helper()
	vision := fmt.Sprintf(`{"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
		"image_size": %d, "patch_size": %d, "vision_use_head": false}`, side, patch)
	cfg, err := parse([]byte(`{"vision_config": ` + vision + `, "text_config": ` + textPart + fields + `}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestJoin lays out features that say where they come from.
func TestJoin(t *testing.T) {
	const newline = 1000
	for _, c := range []struct {
		fields string
		want   []float32
	}{
		// Three tiles of 2×2 beside each other, the picture in the middle line.
		{``, []float32{0, 1, 2, 3, 4, 5, 8, 9, 12, 13, newline, 6, 7, 10, 11, 14, 15, newline}},
		// No more than one tile's features: 2×6 are pooled by √3 to 1×3, each the mean of four.
		{`, "vision_aspect_ratio": "anyres_max_1"`, []float32{0, 1, 2, 3, 5.5, 9.5, 13.5, newline}},
	} {
		parse := ParseNext
		if c.fields != "" {
			parse = ParseOneVision
		}
		m := tiled(t, parse, 8, 4, `, "image_grid_pinpoints": [[8, 24]]`+c.fields)
		m.Newline.F32 = slices.Repeat([]float32{newline}, m.Newline.Len())
		x := tensor.New(16, m.Newline.Len())
		for i := range x.F32 {
			x.F32[i] = float32(i / x.Cols())
		}
		tiles := &model.Tiles{Original: image.Pt(24, 8), Cols: 3, Rows: 1, Views: model.Views{Sizes: make([]image.Point, 4)}}
		y := m.join(&tensor.Ctx{}, x, []*model.Tiles{tiles})
		var got []float32
		for i := range y.Rows() {
			got = append(got, y.Row(i)[0])
		}
		if !slices.Equal(got, c.want) || len(got) != m.Tokens(tiles) {
			t.Errorf("%s: %v, want %v; %d tokens", c.fields, got, c.want, m.Tokens(tiles))
		}
	}
}

// TestPythonArithmetic has quotients and roundings where floats are close to integers.
func TestPythonArithmetic(t *testing.T) {
	for _, c := range []struct {
		n    int
		x    float64
		want int
	}{{7, 0.1, 69}, {6, 0.1, 59}, {81, 1.5, 54}, {1, 0.1, 9}, {10, 1.1, 9}} {
		if got := floorDiv(c.n, c.x); got != c.want {
			t.Errorf("%d // %v is %d, want %d", c.n, c.x, got, c.want)
		}
	}
	for x, want := range map[float64]int{11.99999999: 12, 11.9999999: 11, 11.99999995: 11, 0.4: 0} {
		if got := round7(x); got != want {
			t.Errorf("int(round(%v, 7)) is %d, want %d", x, got, want)
		}
	}
}

// TestGradients of a whole model that sees tiles, some of them pooled, and a video.
func TestGradients(t *testing.T) {
	for name, m := range map[string]*Model{
		"next":      tiled(t, ParseNext, 8, 4, `, "image_grid_pinpoints": [[8, 16], [16, 16]], "image_token_index": 29`),
		"onevision": tiled(t, ParseOneVision, 8, 4, `, "image_grid_pinpoints": [[16, 16]], "image_token_index": 29, "vision_aspect_ratio": "anyres_max_1"`),
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			nn.Initializer{Std: func(string) float64 { return 0.25 }}.Init(m, rng)
			tiles := &model.Tiles{Original: image.Pt(11, 14), Cols: 2, Rows: 2}
			for range 5 {
				tiles.Views.Sizes = append(tiles.Views.Sizes, image.Pt(8, 8))
			}
			for range 5 * 3 * 8 * 8 {
				tiles.Views.Pixels = append(tiles.Views.Pixels, float32(rng.NormFloat64()))
			}
			p := &model.Prompt{IDs: []int32{1}, Images: []*model.Tiles{tiles}}
			if name == "onevision" { // three of the views as a video
				film := &model.Tiles{Clip: &model.Clip{FPS: 1}, Views: *tiles.Views.Part(1, 4)}
				p.Images = append(p.Images, film)
			}
			for _, t := range p.Images {
				p.At = append(p.At, len(p.IDs))
				p.IDs = append(p.IDs, slices.Repeat([]int32{29}, m.Tokens(t))...)
			}
			p.IDs = append(p.IDs, 5, 6, 7, 8)
			p.Labels = slices.Repeat([]int32{-1}, len(p.IDs))
			copy(p.Labels[len(p.IDs)-5:], []int32{5, 6, 7, 8})
			unused := func(name string) bool {
				block, _, _ := strings.Cut(strings.TrimPrefix(name, "vision_tower.vision_model.encoder.layers."), ".")
				return strings.Contains(name, "post_layernorm") || block == "1" && m.Vision.Depth() == 1
			}
			gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return ops.Scale(c, model.Loss(c, m, p, 4), 4) }, unused)
		})
	}
}
