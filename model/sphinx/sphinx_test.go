package sphinx

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	// An encoder of every type: a Q-Former, three on channels with maps of different
	// sizes, and one alone.
	towers = `{"image_size": 24, "grid": 2, "join": "tokens", "encoders": [
		{"model_type": "blip_2_qformer", "num_query_tokens": 3,
			"vision_config": {"hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 12, "patch_size": 6},
			"qformer_config": {"hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 2, "encoder_hidden_size": 8,
				"vocab_size": 4, "max_position_embeddings": 4}},
		{"encoders": [
			{"model_type": "clip_vision_model", "attends_across_views": true, ` + small + `},
			{"model_type": "convnext", "hidden_sizes": [4, 6], "depths": [1, 1], "patch_size": 2, "shown": [{"size": 12}, {"size": 8, "filter": "nearest", "half": true}]},
			{"model_type": "dinov2", "mlp_ratio": 2, "use_mask_token": false, "interpolate_offset": 0.1,
				"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.3], ` + strings8 + `}]},
		{"model_type": "siglip_vision_model", "vision_use_head": false, ` + small + `}]}`
	small    = `"hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 12, "patch_size": 4`
	strings8 = `"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 8, "patch_size": 4`
	text     = `{"vocab_size": 19, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 20,
		"max_position_embeddings": 400, "rope_interleaved": true}`
	rest = `"adapter": {"norm": true}, "view_tokens": true, "text_config": ` + text
)

func build(t testing.TB, config string) *Model {
	t.Helper()
	return modeltest.Random(t, config, 0.25, ParseConfig, New)
}

func tiny(t testing.TB) *Model { return build(t, `{"vision": `+towers+`, `+rest+`}`) }

func picture(seed uint64, side int) *model.Tiles {
	rng := rand.New(rand.NewPCG(seed, 4))
	t := &model.Tiles{Views: model.Views{Sizes: []image.Point{image.Pt(side, side)}}}
	for range 3 * side * side {
		t.Views.Pixels = append(t.Views.Pixels, float32(rng.NormFloat64()))
	}
	return t
}

// prompt has the picture behind the first id.
func prompt(m *Model, p *model.Tiles, ids ...int32) *model.Prompt {
	out := &model.Prompt{Images: []*model.Tiles{p}, At: []int{1}, IDs: []int32{ids[0]}}
	out.IDs = append(out.IDs, slices.Repeat([]int32{-1}, m.TokensPerImage())...)
	out.IDs = append(out.IDs, ids[1:]...)
	return out
}

func TestLayout(t *testing.T) {
	m := tiny(t)
	if got, want := m.TokensPerImage(), 5*(3+10+9+2); got != want { // queries, class and 3×3 places, 3×3 places, start and end
		t.Errorf("%d tokens, want %d", got, want)
	}
	stages := map[string][]int{}
	c := &tensor.Ctx{Observer: func(stage string, x *tensor.Tensor) { stages[stage] = x.Shape }}
	x := m.Features(c, []*model.Tiles{picture(1, 24), picture(2, 24)})
	if x.Rows() != 2*m.TokensPerImage() || !m.Halved() == m.Vision.Halved() {
		t.Errorf("features %v", x.Shape)
	}
	for stage, want := range map[string][]int{
		"clip_vision_model": {100, 8}, "convnext": {10, 2, 2, 6}, "siglip_vision_model": {10, 3, 3, 8}, "blip_2_qformer": {30, 8}, "visual_tokens": {220, 16},
	} {
		if !slices.Equal(stages[stage], want) {
			t.Errorf("%s is %v, want %v", stage, stages[stage], want)
		}
	}
}

// TestPicturesTogether: what a picture becomes does not depend on those beside it.
func TestPicturesTogether(t *testing.T) {
	m := tiny(t)
	all := m.Features(&tensor.Ctx{}, []*model.Tiles{picture(1, 24), picture(2, 24)}).F32
	modeltest.Near(t, "second picture", all[len(all)/2:], m.Features(&tensor.Ctx{}, []*model.Tiles{picture(2, 24)}).F32)
}

// TestCache wants the same logits from a prompt at once, in chunks, and by steps.
func TestCache(t *testing.T) {
	m := tiny(t)
	p := prompt(m, picture(1, 24), 1, 2, 3, 4, 5, 6)
	whole := m.Embed(&tensor.Ctx{}, p)
	c := &tensor.Ctx{}
	h := m.Language.Forward(c, whole)
	want := m.Language.Logits(c, tensor.From(h.Row(h.Rows()-1), 1, h.Cols())).F32

	cache := m.Language.NewCache(len(p.IDs))
	var got []float32
	for lo := 0; lo < len(p.IDs); lo += 50 {
		c := &tensor.Ctx{}
		s := whole.Cut(lo, min(lo+50, len(p.IDs)))
		s.Past = []*model.KVCache{cache}
		h := m.Language.Forward(c, &s)
		got = m.Language.Logits(c, tensor.From(h.Row(h.Rows()-1), 1, h.Cols())).F32
	}
	modeltest.Near(t, "in chunks", got, want)

	steps := generate.NewSession(m, 0, nil)
	got, err := steps.Prefill(context.Background(), prompt(m, picture(1, 24), 1, 2, 3, 4))
	for _, id := range []int32{5, 6} {
		if err != nil {
			t.Fatal(err)
		}
		got, err = steps.Step(id)
	}
	modeltest.Near(t, "by steps", got, want)
}

// TestGradients learns with every parameter of every encoder, adapter and the rest.
func TestGradients(t *testing.T) {
	m := tiny(t)
	p := prompt(m, picture(1, 24), 1, 2, 3, 4)
	p.Labels = slices.Repeat([]int32{-1}, len(p.IDs))
	copy(p.Labels[len(p.IDs)-3:], []int32{3, 4, 5})
	gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return ops.Scale(c, model.Loss(c, m, p, 3), 3) }, nil)
}

// TestSingle: one encoder, an MLP, a marker in the text.
func TestSingle(t *testing.T) {
	m := build(t, `{"vision": {"image_size": 12, "encoders": [{"model_type": "clip_vision_model", "class": false, "layer": -2, `+small+`}]},
		"adapter": {"type": "mlp2x_gelu"}, "image_token_id": 7, "text_config": `+text+`}`)
	if m.TokensPerImage() != 9 || *m.Config().ImageToken != 7 {
		t.Errorf("%d tokens", m.TokensPerImage())
	}
	names, _ := nn.Params(m)
	for _, want := range []string{"vision.groups.0.encoders.0.post_layernorm.weight", "adapters.0.linear_2.bias", "language_model.lm_head.weight"} {
		if !slices.Contains(names, want) {
			t.Errorf("no parameter %s among %v", want, names)
		}
	}
	if x := m.Features(&tensor.Ctx{}, []*model.Tiles{picture(1, 12)}); !slices.Equal(x.Shape, []int{9, 16}) {
		t.Errorf("features %v", x.Shape)
	}
}

func TestConfigErrors(t *testing.T) {
	clip := `{"model_type": "clip_vision_model", ` + small + `}`
	queries := towers[strings.Index(towers, `{"model_type": "blip_2_qformer"`) : strings.Index(towers, `{"encoders"`)-4]
	for vision, want := range map[string]string{
		`{}`:                 "image_size is 0",
		`{"image_size": 12}`: "encoders: 0, want 1 to 64",
		`{"image_size": 24, "grid": 5, "encoders": [` + clip + `]}`:                                               "no multiple of grid 5",
		`{"image_size": 24, "grid": 99, "encoders": [` + clip + `]}`:                                              "grid is 99",
		`{"image_size": 24, "join": "rows", "encoders": [` + clip + `]}`:                                          `join "rows"`,
		`{"image_size": 24, "encoders": [` + strings.Replace(clip, "clip_vision_model", "vit", 1) + `]}`:          `model_type "vit", known here: blip_2_qformer, clip_vision_model`,
		`{"image_size": 24, "encoders": [7]}`:                                                                     "cannot unmarshal",
		`{"image_size": 24, "encoders": [` + clip[:len(clip)-1] + `, "shown": [{"size": 8}]}]}`:                   "shown views of 8 pixels and reads 12",
		`{"image_size": 24, "encoders": [` + clip[:len(clip)-1] + `, "shown": [{"size": 12, "filter": "box"}]}]}`: `interpolation "box"`,
		`{"image_size": 24, "encoders": [` + clip[:len(clip)-1] + `, "shown": [{"size": 0}]}]}`:                   "size is 0",
		`{"image_size": 24, "grid": 2, "encoders": [` + clip[:len(clip)-1] + `, "shown": []}]}`:                   "0 scalings",
		`{"image_size": 24, "encoders": [` + clip[:len(clip)-1] + `, "image_std": [1, 0, 1]}]}`:                   "image_std",
		`{"image_size": 24, "encoders": [` + clip[:len(clip)-1] + `, "image_mean": [1]}]}`:                        "image_mean has 1 numbers",
		`{"image_size": 24, "encoders": [` + clip[:len(clip)-1] + `, "layer": 9}]}`:                               "feature layer 9",
		`{"image_size": 24, "encoders": [` + clip + `, ` + queries + `]}`:                                         "its features have no places",
		`{"image_size": 24, "join": "tokens", "encoders": [{"join": "tokens", "encoders": [` + clip + `]}]}`:      `joined on "tokens"`,
		`{"image_size": 2, "encoders": [{"model_type": "dinov2"}]}`:                                               "smaller than its patches",
		`{"image_size": 24, "encoders": [{"model_type": "dinov2", "interpolate_offset": 3}]}`:                     "interpolate_offset is 3",
		`{"image_size": 24, "encoders": [{"model_type": "convnext", "layer": 1}]}`:                                "last map",
	} {
		cfg, err := ParseConfig([]byte(`{"vision": ` + vision + `, ` + rest + `}`))
		if err == nil {
			_, err = New(cfg)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "ensemble: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", vision, err, want)
		}
	}
	for config, want := range map[string]string{
		`{`:              "unexpected end",
		`{"vision": {}}`: "text_config: false",
		`{"vision": {}, "text_config": {"model_type": "gpt2"}}`:                `model_type "gpt2"`,
		`{"vision": {}, "text_config": {"hidden_size": 0}}`:                    "hidden_size is 0",
		`{"vision": {}, "text_config": {}, "adapter": {"type": "resampler"}}`:  `type "resampler"`,
		`{"vision": {}, "text_config": {}, "adapter": {"hidden_act": "step"}}`: "hidden_act",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "sphinx: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"vision": ` + towers + `, ` + rest + `}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := ParseConfig(data)
		if err != nil {
			return
		}
		if m, err := New(cfg); err == nil && m.TokensPerImage() < 1 {
			t.Error(fmt.Sprint("no tokens of a picture: ", m.TokensPerImage()))
		}
	})
}
