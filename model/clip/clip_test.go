package clip

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

const tower = `"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 3, "num_attention_heads": 2`

func vision(t testing.TB, config string, out vit.Output) *Vision {
	t.Helper()
	cfg, err := ParseVision([]byte(config))
	check(t, err)
	v, err := NewVision(cfg, out)
	check(t, err)
	initialise(v)
	return v
}

func initialise(m any) {
	nn.Initializer{Std: func(string) float64 { return 0.2 }}.Init(m, rand.New(rand.NewPCG(1, 2)))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// views are n random pictures of side×side pixels.
func views(n, side int) *model.Views {
	rng := rand.New(rand.NewPCG(3, 4))
	v := &model.Views{Pixels: make([]float32, n*3*side*side)}
	for i := range v.Pixels {
		v.Pixels[i] = float32(rng.NormFloat64())
	}
	for range n {
		v.Sizes = append(v.Sizes, image.Pt(side, side))
	}
	return v
}

// TestFeatureLayers takes hidden states one by one, then together.
func TestFeatureLayers(t *testing.T) {
	const config = `{` + tower + `, "image_size": 8, "patch_size": 4}`
	const patches, width = 4, 12
	in := views(2, 8)
	states := map[string][]float32{}
	c := &tensor.Ctx{Observer: func(stage string, x *tensor.Tensor) { states[stage] = slices.Clone(x.F32) }}
	last := vision(t, config, vit.Output{Stage: "v."})
	modeltest.Near(t, "the last layer", last.Encode(c, in).X.F32, states["v.hidden.3"])
	if !slices.Equal(states["v.hidden.3"], states["v.last_hidden_state"]) || len(states) != 5 {
		t.Errorf("observed %d stages", len(states))
	}
	for _, drop := range []bool{false, true} {
		layers := []int{-2, 0, 3}
		v := vision(t, config, vit.Output{Layers: layers, DropClass: drop})
		if !slices.Equal(layers, []int{-2, 0, 3}) {
			t.Errorf("NewVision changed the caller's layers to %v", layers)
		}
		f := v.Encode(&tensor.Ctx{}, in)
		rows, skip := patches+1, 0
		if drop {
			rows, skip = patches, 1
		}
		if v.Rows() != rows || v.Width() != 3*width || !slices.Equal(f.Starts, []int{0, rows, 2 * rows}) || !slices.Equal(f.X.Shape, []int{2 * rows, 3 * width}) {
			t.Fatalf("%d rows of %d, starts %v, features %v", v.Rows(), v.Width(), f.Starts, f.X.Shape)
		}
		var want []float32
		for view := range 2 {
			for p := skip; p < patches+1; p++ {
				at := (view*(patches+1) + p) * width
				for _, stage := range []string{"v.hidden.2", "v.hidden.0", "v.hidden.3"} {
					want = append(want, states[stage][at:at+width]...)
				}
			}
		}
		modeltest.Near(t, "joined layers", f.X.F32, want)
	}
}

func TestLayersOutOfRange(t *testing.T) {
	cfg, err := ParseVision([]byte(`{` + tower + `}`))
	check(t, err)
	for _, layer := range []int{4, -5, 1 << 30} {
		if _, err := NewVision(cfg, vit.Output{Layers: []int{1, layer}}); err == nil || !strings.Contains(err.Error(), "of a tower with 3 layers") {
			t.Errorf("layer %d: %v", layer, err)
		}
	}
}

func TestSkips(t *testing.T) {
	v := vision(t, `{`+tower+`}`, vit.Output{Layers: []int{1, -2}, Stage: "vision."})
	for stage, want := range map[string]bool{
		"vision.hidden.2": false, "vision.hidden.3": true, "vision.hidden.4": false, "vision.hidden.x": false,
		"vision.last_hidden_state": true, "vision.pooler_output": true, "lm.hidden.3": false,
	} {
		if v.Skips(stage) != want {
			t.Errorf("Skips(%q) is %v", stage, !want)
		}
	}
}

// TestViewsDoNotSeeEachOther compares two views together with each alone.
func TestViewsDoNotSeeEachOther(t *testing.T) {
	v := vision(t, `{`+tower+`, "image_size": 8, "patch_size": 4}`, vit.Output{})
	both := views(2, 8)
	got := v.Encode(&tensor.Ctx{}, both).X.F32
	half := len(both.Pixels) / 2
	for i := range 2 {
		one := &model.Views{Pixels: both.Pixels[i*half : (i+1)*half], Sizes: both.Sizes[:1]}
		want := v.Encode(&tensor.Ctx{}, one).X.F32
		modeltest.Near(t, "a view alone", got[i*len(want):(i+1)*len(want)], want)
	}
}

// TestRestOfTheEdge is not seen where patches do not cover a view.
func TestRestOfTheEdge(t *testing.T) {
	v := vision(t, `{`+tower+`, "image_size": 10, "patch_size": 4}`, vit.Output{})
	if v.Rows() != 5 || v.Position.Shape[0] != 5 {
		t.Fatalf("%d rows, positions %v", v.Rows(), v.Position.Shape)
	}
	in := views(1, 10)
	want := slices.Clone(v.Encode(&tensor.Ctx{}, in).X.F32)
	for i := range in.Pixels {
		if i%10 >= 8 || i/10%10 >= 8 {
			in.Pixels[i] = 100
		}
	}
	modeltest.Near(t, "another edge", v.Encode(&tensor.Ctx{}, in).X.F32, want)
}

func TestViewOfAnotherSizePanics(t *testing.T) {
	v := vision(t, `{`+tower+`, "image_size": 8, "patch_size": 4}`, vit.Output{})
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "view of 12×12 pixels, want 8×8") {
			t.Errorf("panic %q", r)
		}
	}()
	v.Encode(&tensor.Ctx{}, views(1, 12))
}

// TestEnd finds the token whose state stands for a text as transformers does:
// with the id 2, that old configs say, the argmax of the ids.
func TestEnd(t *testing.T) {
	for _, c := range []struct {
		eos  int
		text []int32
		want int
	}{
		{2, []int32{49406, 5, 49407, 49407}, 2},
		{2, []int32{49406, 2, 3}, 0},
		{9, []int32{8, 5, 9, 9}, 2},
		{9, []int32{8, 50, 9}, 2},
		{9, []int32{8, 5}, 0}, // argmax of zeros
	} {
		text := &Text{eos: c.eos}
		if got := text.end(c.text); got != c.want {
			t.Errorf("end token %d of %v is at %d, want %d", c.eos, c.text, got, c.want)
		}
	}
}

// TestTextsDoNotSeeEachOther nor what follows their end token.
func TestTextsDoNotSeeEachOther(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"projection_dim": 6, "text_config": {` + tower + `, "vocab_size": 20, "max_position_embeddings": 8, "eos_token_id": 9},
		"vision_config": {` + tower + `, "image_size": 8, "patch_size": 4}}`))
	check(t, err)
	m, err := New(cfg)
	check(t, err)
	initialise(m)
	embed := func(texts ...[]int32) []float32 { return m.EmbedText(&tensor.Ctx{}, texts).F32 }
	one := embed([]int32{1, 2, 9})
	modeltest.Near(t, "between others", embed([]int32{5, 9}, []int32{1, 2, 9}, []int32{7, 7, 7, 9})[6:12], one)
	modeltest.Near(t, "with padding", embed([]int32{1, 2, 9, 9, 9}), one)
	images := m.EmbedImage(&tensor.Ctx{}, views(2, 8))
	for i := range images.Rows() {
		norm := 0.0
		for _, v := range images.Row(i) {
			norm += float64(v) * float64(v)
		}
		if math.Abs(norm-1) > 1e-5 {
			t.Errorf("embedding %d has a squared length of %v", i, norm)
		}
	}
	m.LogitScale.F32[0] = float32(math.Log(10))
	text := tensor.From(one, 1, 6)
	want := float32(0)
	for i, v := range one {
		want += 10 * v * images.Row(1)[i]
	}
	modeltest.Near(t, "similarity", m.Similarity(&tensor.Ctx{}, images, text).F32[1:], []float32{want})
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{`:                         "unexpected end",
		`{"patch_size": 0}`:         "patch_size 0",
		`{"patch_size": -14}`:       "patch_size -14",
		`{"patch_size": 300}`:       "image_size 224, patch_size 300",
		`{"image_size": 100000000}`: "image_size 100000000",
		`{"num_channels": 1}`:       "num_channels 1",
		// Released vision configs carry text fields, which must not switch the checks off.
		`{"vocab_size": 32000, "patch_size": 0}`: "patch_size 0",
		`{"hidden_size": 0}`:                     "hidden_size is 0",
		`{"hidden_size": 769}`:                   "hidden_size 769 is no multiple of num_attention_heads 12",
		`{"num_attention_heads": -1}`:            "num_attention_heads is -1",
		`{"num_hidden_layers": 1000000}`:         "num_hidden_layers is 1000000",
		`{"hidden_act": "none"}`:                 "hidden_act",
	} {
		if _, err := ParseVision([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("vision %s: error %v, want %q", config, err, want)
		}
	}
	for config, want := range map[string]string{
		`{"projection_dim": 0}`:                            "projection_dim is 0",
		`{"vision_config": {"patch_size": 0}}`:             "vision_config: image_size 224, patch_size 0",
		`{"text_config": {"vocab_size": 0}}`:               "text_config: vocab_size 0",
		`{"text_config": {"max_position_embeddings": -1}}`: "max_position_embeddings -1",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
	if cfg, err := ParseConfig([]byte(`{"vision_config": {}, "text_config": null}`)); err != nil || cfg.Vision.Grid() != 7 || cfg.Text.MaxPositions != 77 {
		t.Errorf("defaults: %+v, %v", cfg, err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"text_config": {"vocab_size": 20}, "vision_config": {"image_size": 8, "patch_size": 4, "vocab_size": 1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && cfg.Vision.Grid() < 1 {
			t.Error("a grid of no patches")
		}
		if cfg, err := ParseVision(data); err == nil && cfg.Grid() < 1 {
			t.Error("a grid of no patches")
		}
	})
}
