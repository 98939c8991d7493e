package blip2

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
	"github.com/fovea-ml/fovea/tensor"
)

const (
	tower = `"num_query_tokens": 3, "image_token_index": 19,
		"vision_config": {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 8, "patch_size": 4},
		"qformer_config": {"vocab_size": 15, "hidden_size": 6, "intermediate_size": 10, "num_hidden_layers": 3, "num_attention_heads": 2,
			"encoder_hidden_size": 8, "max_position_embeddings": 9}`
	optText = `{"model_type": "opt", "vocab_size": 20, "hidden_size": 10, "ffn_dim": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
		"max_position_embeddings": 40, "activation_function": "gelu"}`
	t5Text = `{"model_type": "t5", "vocab_size": 20, "d_model": 10, "d_kv": 4, "d_ff": 12, "num_layers": 2, "num_heads": 2,
		"feed_forward_proj": "gated-gelu", "tie_word_embeddings": false}`
	llamaText = `{"model_type": "llama", "vocab_size": 20, "hidden_size": 12, "intermediate_size": 14, "num_hidden_layers": 2, "num_attention_heads": 2,
		"max_position_embeddings": 40}`
)

var kinds = map[string]struct {
	parse func([]byte) (Config, error)
	text  string
}{
	"BLIP-2 with OPT":         {ParseConfig, optText},
	"BLIP-2 with T5":          {ParseConfig, t5Text},
	"InstructBLIP with Llama": {ParseInstruct, llamaText},
	"InstructBLIP with T5":    {ParseInstruct, t5Text},
}

func build(t testing.TB, kind string) *Model {
	t.Helper()
	k := kinds[kind]
	return modeltest.Random(t, `{`+tower+`, "text_config": `+k.text+`}`, 0.4, k.parse, New)
}

// picture is one of 8×8 pixels, with what the Q-Former reads beside it where it reads.
func picture(m *Model, seed uint64, text ...int32) *model.Tiles {
	rng := rand.New(rand.NewPCG(seed, 4))
	t := &model.Tiles{Views: model.Views{Sizes: []image.Point{image.Pt(8, 8)}}}
	for range 3 * 8 * 8 {
		t.Views.Pixels = append(t.Views.Pixels, float32(rng.NormFloat64()))
	}
	if m.cfg.Instructed {
		t.Text = text
	}
	return t
}

// prompt is a picture and text behind it; of the text, what follows answer is for
// the decoder where there is an encoder.
func prompt(m *Model, t *model.Tiles, text, answer []int32) *model.Prompt {
	p := &model.Prompt{IDs: append([]int32{19, 19, 19}, text...), Images: []*model.Tiles{t}, At: []int{0}}
	if m.cfg.Start != nil {
		p.DecoderIDs = append(slices.Clone(m.cfg.Start), answer...)
	} else {
		p.IDs = append(p.IDs, answer...)
	}
	return p
}

func logits(m *Model, p *model.Prompt) []float32 {
	c := &tensor.Ctx{}
	h := m.Decoder().Forward(c, m.Embed(c, p))
	return m.Decoder().Logits(c, tensor.From(h.Row(h.Rows()-1), 1, h.Cols())).F32
}

// TestConversation wants the logits of one run from sessions that go on from what
// they hold: other text behind the same picture, another picture, and another text
// for the Q-Former.
func TestConversation(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			m := build(t, kind)
			s := generate.NewSession(m, 0, nil)
			for i, p := range []*model.Prompt{
				prompt(m, picture(m, 1, 7, 8), []int32{1, 2}, []int32{3}),
				prompt(m, picture(m, 1, 7, 8), []int32{1, 2}, []int32{3, 4, 5}),
				prompt(m, picture(m, 1, 7, 8), []int32{1, 6}, []int32{3, 4}),
				prompt(m, picture(m, 2, 7, 8), []int32{1, 6}, []int32{3, 4}),
				prompt(m, picture(m, 2, 7, 8, 9), []int32{1, 6}, []int32{3, 4}),
			} {
				got, err := s.Extend(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				modeltest.Near(t, fmt.Sprintf("prompt %d", i), got, logits(m, p))
			}
			whole := prompt(m, picture(m, 1, 7), []int32{1, 2}, []int32{3, 4, 5})
			steps := generate.NewSession(m, 0, nil)
			if _, err := steps.Prefill(context.Background(), prompt(m, picture(m, 1, 7), []int32{1, 2}, []int32{3})); err != nil {
				t.Fatal(err)
			}
			if _, err := steps.Step(4); err != nil {
				t.Fatal(err)
			}
			got, err := steps.Step(5)
			if err != nil {
				t.Fatal(err)
			}
			modeltest.Near(t, "by steps", got, logits(m, whole))
		})
	}
}

// TestPacked reads two conversations at once, whose pictures have texts of different lengths.
func TestPacked(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		a, b := prompt(m, picture(m, 1, 7, 8, 9), []int32{1, 2}, []int32{3}), prompt(m, picture(m, 2, 7), []int32{1}, []int32{5, 6})
		c := &tensor.Ctx{}
		h := m.Decoder().Forward(c, m.Embed(c, model.Pack([]*model.Prompt{a, b})))
		all := m.Decoder().Logits(c, h).F32
		modeltest.Near(t, kind+": packed", all[len(all)-20:], logits(m, b))
		at := len(a.Reads()) * 20
		modeltest.Near(t, kind+": packed first", all[at-20:at], logits(m, a))
	}
}

// TestSharedPicture reads two questions about one picture, and a third about
// another: as if each were alone, and the tower sees two.
func TestSharedPicture(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		first := picture(m, 1, 7, 8, 9)
		second := *first
		if m.cfg.Instructed {
			second.Text = []int32{3}
		}
		a, b := prompt(m, first, []int32{1, 2}, []int32{3}), prompt(m, &second, []int32{1}, []int32{5, 6})
		other := prompt(m, picture(m, 2, 4), []int32{2}, []int32{1})
		seen := 0
		c := &tensor.Ctx{Observer: func(stage string, x *tensor.Tensor) {
			if stage == "vision.hidden.0" {
				seen = x.Rows() / 5
			}
		}}
		h := m.Decoder().Forward(c, m.Embed(c, model.Pack([]*model.Prompt{a, other, b})))
		all := m.Decoder().Logits(c, h).F32
		modeltest.Near(t, kind, all[len(all)-20:], logits(m, b))
		at := len(a.Reads()) * 20
		modeltest.Near(t, kind+": first", all[at-20:at], logits(m, a))
		if seen != 2 {
			t.Errorf("%s: the tower saw %d pictures, want 2", kind, seen)
		}
	}
}

// TestGradients of whole models: two conversations about one picture, or with one each.
func TestGradients(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			m := build(t, kind)
			shared := picture(m, 1, 7, 8, 9)
			again := *shared
			a, b := prompt(m, shared, []int32{1, 2}, []int32{3}), prompt(m, &again, []int32{1}, []int32{5, 6})
			if kind == "BLIP-2 with OPT" {
				b = prompt(m, picture(m, 2, 7), []int32{1}, []int32{5, 6})
			}
			for i, p := range []*model.Prompt{a, b} {
				p.Labels = slices.Repeat([]int32{-1}, len(p.Reads()))
				p.Labels[len(p.Labels)-2], p.Labels[len(p.Labels)-1] = int32(3+i), 9
			}
			p := model.Pack([]*model.Prompt{a, b})
			gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return model.Loss(c, m, p, 1) }, nil)
		})
	}
}

// TestReleasedSizes counts the parameters of released checkpoints, whose configs
// leave most to the defaults.
func TestReleasedSizes(t *testing.T) {
	for _, c := range []struct {
		parse  func([]byte) (Config, error)
		config string
		want   int64
	}{
		{ParseConfig, `{"text_config": {"model_type": "opt", "hidden_size": 2560, "ffn_dim": 10240, "num_hidden_layers": 32,
			"num_attention_heads": 32, "word_embed_proj_dim": 2560}}`, 3744679936}, // blip2-opt-2.7b
		{ParseConfig, `{"text_config": {"model_type": "t5", "d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_heads": 32,
			"feed_forward_proj": "gated-gelu", "tie_word_embeddings": false}}`, 3942446592}, // blip2-flan-t5-xl
		{ParseInstruct, `{"qformer_config": {"vocab_size": 30523}, "text_config": {"model_type": "llama", "vocab_size": 32001}}`, 7913210624}, // instructblip-vicuna-7b
	} {
		cfg, err := c.parse([]byte(c.config))
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0) // more than an int holds on some machines
		nn.Walk(m, func(_ string, w *tensor.Tensor) { n += int64(w.Len()) })
		if n != c.want {
			t.Errorf("%d parameters, want %d: %s", n, c.want, c.config)
		}
	}
}

// TestOldConfig is one without an id for placeholders, which are then outside the vocabulary.
func TestOldConfig(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{` + strings.Replace(tower, `"image_token_index": 19,`, "", 1) + `, "text_config": ` + optText + `}`))
	if err != nil || cfg.ImageTokenID != 20 || cfg.Queries != 3 {
		t.Errorf("placeholders %d, %d of them, error %v", cfg.ImageTokenID, cfg.Queries, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{"text_config": {"model_type": "gpt2"}}`:                            `text_config: model_type "gpt2", known here: opt, t5, llama`,
		`{"text_config": {"hidden_size": 1200, "word_embed_proj_dim": 512}}`: "word_embed_proj_dim 512 differs",
		`{"text_config": {"model_type": "t5", "d_model": 0}}`:                "text_config: t5: config: d_model is 0",
		`{"text_config": 5}`:                                   "text_config: ",
		`{"num_query_tokens": 0}`:                              "num_query_tokens is 0",
		`{"qformer_config": {"use_qformer_text_input": true}}`: "use_qformer_text_input is true",
		`{"qformer_config": {"encoder_hidden_size": 1024}}`:    "encoder_hidden_size is 1024, and vision_config makes features of width 1408",
		`{"qformer_config": {"cross_attention_frequency": 0}}`: "cross_attention_frequency is 0",
		`{"vision_config": {"num_attention_heads": 7}}`:        "vision_config: ",
		`[]`: "cannot unmarshal",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "blip2: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, k := range kinds {
		f.Add([]byte(`{` + tower + `, "text_config": ` + k.text + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (Config, error){ParseConfig, ParseInstruct} {
			if cfg, err := parse(data); err == nil && (cfg.Queries < 1 || cfg.language.declare == nil) {
				t.Error("no queries")
			}
		}
	})
}
