package llava

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/projector"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	visionPart = `{"model_type": "clip_vision_model", "hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 3,
		"num_attention_heads": 2, "image_size": 8, "patch_size": 4, "vocab_size": 32000}`
	textPart = `{"model_type": "llama", "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 1,
		"num_attention_heads": 2, "vocab_size": 30, "max_position_embeddings": 64}`
)

// config is a whole config.json with the given fields beside the two parts.
func config(fields string) []byte {
	if fields != "" {
		fields = ", " + fields
	}
	return []byte(`{"vision_config": ` + visionPart + `, "text_config": ` + textPart + fields + `}`)
}

func build(t testing.TB, fields string) *Model {
	t.Helper()
	return modeltest.Random(t, string(config(fields)), 0.2, ParseConfig, New)
}

func TestConfig(t *testing.T) {
	cfg, err := ParseConfig(config(""))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.FeatureLayers, []int{-2}) || !cfg.DropClass || cfg.ProjectorType != "mlp2x_gelu" ||
		cfg.ProjectorAct != ops.GELU || !cfg.ProjectorBias || cfg.ImageTokenID != 32000 {
		t.Errorf("defaults %+v", cfg)
	}
	for _, c := range []struct {
		fields string
		check  func(Config) bool
	}{
		{`"image_token_index": 7`, func(c Config) bool { return c.ImageTokenID == 7 }},
		{`"image_token_id": 8, "image_token_index": 7`, func(c Config) bool { return c.ImageTokenID == 8 }},
		{`"vision_feature_layer": -1`, func(c Config) bool { return slices.Equal(c.FeatureLayers, []int{-1}) }},
		{`"vision_feature_layer": [0, -1]`, func(c Config) bool { return slices.Equal(c.FeatureLayers, []int{0, -1}) }},
		{`"vision_feature_select_strategy": "full"`, func(c Config) bool { return !c.DropClass }},
		{`"multimodal_projector_bias": false`, func(c Config) bool { return !c.ProjectorBias }},
		{`"mm_projector_type": "linear"`, func(c Config) bool { return c.ProjectorType == "linear" }},
	} {
		if cfg, err := ParseConfig(config(c.fields)); err != nil || !c.check(cfg) {
			t.Errorf("%s: %+v, %v", c.fields, cfg, err)
		}
	}
}

// TestReleasedConfig reads what llava-hf/llava-1.5-7b-hf says.
func TestReleasedConfig(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100, "image_token_index": 32000,
		"model_type": "llava", "pad_token_id": 32001, "projector_hidden_act": "gelu",
		"text_config": {"_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096,
			"model_type": "llama", "rms_norm_eps": 1e-05, "torch_dtype": "float16", "vocab_size": 32064},
		"tie_word_embeddings": false, "torch_dtype": "float16",
		"vision_config": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "model_type": "clip_vision_model",
			"num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768, "vocab_size": 32000},
		"vision_feature_layer": -2, "vision_feature_select_strategy": "default", "vocab_size": 32064}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if m.TokensPerImage() != 576 || m.Decoder().Context() != 4096 || m.Decoder().Vocab() != 32064 {
		t.Errorf("%d tokens of a picture, context %d, vocabulary %d", m.TokensPerImage(), m.Decoder().Context(), m.Decoder().Vocab())
	}
	n := int64(0) // more than an int holds on some machines
	nn.Walk(m, func(_ string, w *tensor.Tensor) { n += int64(w.Len()) })
	if n != 7063427072 {
		t.Errorf("%d parameters, the checkpoint has 7063427072", n)
	}
}

func TestConfigErrors(t *testing.T) {
	for fields, want := range map[string]string{
		`"vision_feature_layer": "last"`:                          `vision_feature_layer "last"`,
		`"vision_feature_layer": []`:                              "vision_feature_layer []",
		`"vision_feature_layer": 1.5`:                             "vision_feature_layer 1.5",
		`"vision_feature_select_strategy": "none"`:                `vision_feature_select_strategy "none"`,
		`"projector_hidden_act": "none"`:                          "projector_hidden_act",
		`"mm_projector_type": "resampler"`:                        `mm_projector_type "resampler"`,
		`"text_config": {"model_type": "gpt2"}`:                   `text_config: model_type "gpt2", known here: llama, mistral, qwen2`,
		`"vision_config": {"model_type": "vit"}`:                  `vision_config: model_type "vit", known here: clip_vision_model, siglip_vision_model`,
		`"text_config": {"model_type": "mistral"}`:                "text_config: mistral: config: sliding window attention is not supported",
		`"vision_config": {"patch_size": 0, "vocab_size": 32000}`: "vision_config: ",
		`"text_config": {"hidden_size": -1}`:                      "text_config: ",
		`"text_config": []`:                                       "text_config",
	} {
		_, err := ParseConfig(config(fields))
		if err == nil || !strings.HasPrefix(err.Error(), "llava: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", fields, err, want)
		}
	}
	for _, whole := range []string{``, `[]`, `{}`, `{"text_config": {}}`} {
		if _, err := ParseConfig([]byte(whole)); err == nil {
			t.Errorf("%s passes", whole)
		}
	}
	cfg, err := ParseConfig(config(`"vision_feature_layer": -9`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "feature layer -9") {
		t.Errorf("layer -9: %v", err)
	}
}

// TestProjectors reads features of two layers, joined.
func TestProjectors(t *testing.T) {
	m := build(t, `"vision_feature_layer": [0, -1]`)
	mlp := m.Projector.(*projector.MLP)
	if !slices.Equal(mlp.Linear1.Weight.Shape, []int{16, 24}) || !slices.Equal(mlp.Linear2.Weight.Shape, []int{16, 16}) {
		t.Errorf("MLP of %v and %v", mlp.Linear1.Weight.Shape, mlp.Linear2.Weight.Shape)
	}
	m = build(t, `"mm_projector_type": "linear", "multimodal_projector_bias": false`)
	var names []string
	nn.Walk(m.Projector, func(name string, w *tensor.Tensor) { names = append(names, name) })
	if !slices.Equal(names, []string{"weight"}) {
		t.Errorf("the linear projector has %q", names)
	}
	f := tensor.New(3, 12)
	if got := m.Projector.Adapt(&tensor.Ctx{}, &model.Features{X: f}); !slices.Equal(got.Shape, []int{3, 16}) {
		t.Errorf("adapted %v", got.Shape)
	}
}

// TestEmbed puts words and features where they belong, whatever the ids of the placeholders.
func TestEmbed(t *testing.T) {
	m := build(t, `"image_token_index": 99`)
	picture := func(v float32) *model.Tiles {
		pixels := make([]float32, 3*8*8)
		for i := range pixels {
			pixels[i] = v * float32(i%7)
		}
		return &model.Tiles{Views: model.Views{Pixels: pixels, Sizes: []image.Point{image.Pt(8, 8)}}}
	}
	a, b := picture(0.1), picture(-0.3)
	p := &model.Prompt{
		IDs:    []int32{1, 99, 99, 99, 99, 99, 99, 99, 99, 2, 3},
		Images: []*model.Tiles{a, b}, At: []int{1, 5},
	}
	before := slices.Clone(p.IDs)
	x := m.Embed(&tensor.Ctx{}, p).X
	var want []float32
	word := func(ids ...int32) []float32 { return m.Language.Embed(&tensor.Ctx{}, ids).F32 }
	want = append(want, word(1)...)
	want = append(want, m.Features(&tensor.Ctx{}, []*model.Tiles{a}).F32...)
	want = append(want, m.Features(&tensor.Ctx{}, []*model.Tiles{b}).F32...)
	want = append(want, word(2, 3)...)
	if len(x.F32) != len(want) {
		t.Fatalf("%v, want %d elements", x.Shape, len(want))
	}
	for i := range want {
		if d := x.F32[i] - want[i]; d > 1e-6 || d < -1e-6 {
			t.Fatalf("element %d of row %d is %v, want %v", i%16, i/16, x.F32[i], want[i])
		}
	}
	if !slices.Equal(p.IDs, before) {
		t.Error("Embed changed the prompt")
	}
	words := &model.Prompt{IDs: []int32{4, 5}, Starts: []int{0, 1, 2}}
	s := m.Embed(&tensor.Ctx{}, words)
	if !slices.Equal(s.X.F32, word(4, 5)) || !slices.Equal(s.Starts, words.Starts) {
		t.Errorf("text alone: starts %v", s.Starts)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(config(`"vision_feature_layer": [0, -1]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && cfg.Text.HiddenSize < 1 {
			t.Error("no hidden size")
		}
	})
}

// TestBranches: a question among branches is what it is alone, forward and backward.
func TestBranches(t *testing.T) {
	m := build(t, `"image_token_id": 29`)
	rng := rand.New(rand.NewPCG(3, 4))
	tiles := &model.Tiles{Views: model.Views{Pixels: make([]float32, 3*8*8), Sizes: []image.Point{{X: 8, Y: 8}}}}
	for i := range tiles.Views.Pixels {
		tiles.Views.Pixels[i] = rng.Float32()
	}
	var alone []*model.Prompt
	for _, text := range [][]int32{{5, 6, 7}, {5, 8}, {9, 10, 11, 12, 13}} {
		p := &model.Prompt{IDs: []int32{1, 29, 29, 29, 29}, Images: []*model.Tiles{tiles}, At: []int{1}}
		p.IDs = append(p.IDs, text...)
		p.Labels = append(slices.Clone(p.IDs[1:]), -1)
		for i := range m.TokensPerImage() + 1 {
			p.Labels[i] = -1
		}
		alone = append(alone, p)
	}
	branched, err := model.Branch(alone)
	if err != nil {
		t.Fatal(err)
	}
	_, params := nn.Params(m)
	for _, p := range params {
		p.SetTrainable(true)
	}
	learn := func(p *model.Prompt) (loss float32, gradient []float32) {
		c := &tensor.Ctx{Train: true}
		for _, p := range params {
			p.ZeroGrad()
		}
		l := model.Loss(c, m, p, 1)
		c.Backward(l)
		for _, p := range params {
			gradient = append(gradient, p.Grad()...)
		}
		return l.F32[0], gradient
	}
	want, wantGradient := learn(model.Pack(alone))
	got, gradient := learn(model.Pack([]*model.Prompt{branched}))
	if math.Abs(float64(got-want)) > 1e-5*float64(want) {
		t.Errorf("loss %v, want %v", got, want)
	}
	for i, g := range gradient {
		if math.Abs(float64(g-wantGradient[i])) > 1e-4 {
			t.Fatalf("gradient %d is %v, want %v", i, g, wantGradient[i])
		}
	}
}
