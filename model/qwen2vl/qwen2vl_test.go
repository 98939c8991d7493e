package qwen2vl

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

const text = `"hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
	"head_dim": 8, "vocab_size": 40, "max_position_embeddings": 1000, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}, "image_token_id": 39`

var kinds = map[string]struct {
	parse  func([]byte) (Config, error)
	vision string
}{
	"2":   {Parse2, `"embed_dim": 8, "hidden_size": 16, "mlp_ratio": 2, "depth": 2, "num_heads": 2, "patch_size": 2`},
	"2.5": {Parse25, `"hidden_size": 8, "out_hidden_size": 16, "intermediate_size": 12, "depth": 2, "num_heads": 2, "patch_size": 2, "window_size": 8, "fullatt_block_indexes": [1]`},
	"3":   {Parse3, `"hidden_size": 8, "out_hidden_size": 16, "intermediate_size": 12, "depth": 3, "num_heads": 2, "patch_size": 2, "num_position_embeddings": 9, "deepstack_visual_indexes": [0, 2]`},
}

func build(t testing.TB, kind string) *Model {
	t.Helper()
	return modeltest.Random(t, `{`+text+`, "vision_config": {`+kinds[kind].vision+`}}`, 0.25, kinds[kind].parse, New)
}

// picture has tokens of 4×4 pixels.
func picture(seed uint64, w, h int) *model.Tiles {
	rng := rand.New(rand.NewPCG(seed, 4))
	t := &model.Tiles{Views: model.Views{Sizes: []image.Point{image.Pt(w, h)}}}
	for range 3 * w * h {
		t.Views.Pixels = append(t.Views.Pixels, float32(rng.NormFloat64()))
	}
	return t
}

// prompt puts pictures, -1 among ids, in their places.
func prompt(m *Model, ids []int32, images ...*model.Tiles) *model.Prompt {
	p := &model.Prompt{Images: images}
	for _, id := range ids {
		if id >= 0 {
			p.IDs = append(p.IDs, id)
			continue
		}
		at := len(p.IDs)
		p.IDs = append(p.IDs, slices.Repeat([]int32{39}, m.Tokens(images[len(p.At)]))...)
		p.At = append(p.At, at)
	}
	return p
}

// TestPositions is the example of the paper: a picture of 3×2 tokens among text.
func TestPositions(t *testing.T) {
	m := build(t, "2")
	p := prompt(m, []int32{1, 2, -1, 3, 4}, picture(1, 12, 8))
	want := [][3]int32{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {2, 2, 3}, {2, 2, 4}, {2, 3, 2}, {2, 3, 3}, {2, 3, 4}, {5, 5, 5}, {6, 6, 6}}
	if got := m.Embed(&tensor.Ctx{}, p).Positions; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	p.Branches = [][]int{{8, 9}} // both words go on from the picture
	want[9] = want[8]
	if got := m.Embed(&tensor.Ctx{}, p).Positions; !slices.Equal(got, want) {
		t.Errorf("of branches: %v, want %v", got, want)
	}
	packed := model.Pack([]*model.Prompt{prompt(m, []int32{5}), prompt(m, []int32{-1, 1}, picture(1, 4, 8))})
	if got := m.Embed(&tensor.Ctx{}, packed).Positions; !slices.Equal(got, [][3]int32{{}, {}, {0, 1, 0}, {2, 2, 2}}) {
		t.Errorf("packed: %v", got)
	}
	if s := m.Embed(&tensor.Ctx{}, prompt(m, []int32{1, 2})); s.Positions != nil {
		t.Errorf("positions %v of text", s.Positions)
	}
}

// TestConversation wants the same logits from one prefill, from chunks, and from
// turns and steps with the cache cut back between.
func TestConversation(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		a, b := picture(1, 12, 20), picture(2, 16, 8)
		whole := prompt(m, []int32{1, 2, -1, 3, 4, 5, -1, 6, 7}, a, b)
		fresh := generate.NewSession(m, 0, nil)
		want := modeltest.Prefill(t, fresh, whole)

		turns := generate.NewSession(m, 0, nil)
		modeltest.Prefill(t, turns, prompt(m, []int32{1, 2, -1, 3}, a))
		for _, id := range []int32{4, 9, 9} { // the last two are not in the whole
			if _, err := turns.Step(id); err != nil {
				t.Fatal(err)
			}
		}
		got, err := turns.Extend(context.Background(), whole)
		if err != nil {
			t.Fatal(err)
		}
		modeltest.Near(t, kind+" in turns", got, want)

		steps := generate.NewSession(m, 0, nil)
		modeltest.Prefill(t, steps, prompt(m, []int32{1, 2, -1, 3, 4, 5, -1}, a, b))
		if _, err := steps.Step(6); err != nil {
			t.Fatal(err)
		}
		if got, err = steps.Step(7); err != nil {
			t.Fatal(err)
		}
		modeltest.Near(t, kind+" by steps", got, want)

		modeltest.Near(t, kind+" in chunks", inChunks(m, whole, 5), want)
		fresh.Truncate(2)
		modeltest.Near(t, kind+" cut back", modeltest.Prefill(t, fresh, &model.Prompt{IDs: whole.IDs[2:], Images: whole.Images, At: []int{0, whole.At[1] - 2}}), want)
	}
}

// TestPacked wants of conversations packed end to end the logits of each alone.
func TestPacked(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		logits := func(p *model.Prompt) []float32 {
			c := &tensor.Ctx{}
			return m.Language.Logits(c, m.Language.Forward(c, m.Embed(c, p))).F32
		}
		a, b := prompt(m, []int32{1, 2, -1, 3}, picture(1, 12, 20)), prompt(m, []int32{-1, 6, 7, -1}, picture(2, 16, 8), picture(3, 4, 4))
		text := prompt(m, []int32{5, 8})
		modeltest.Near(t, kind, logits(model.Pack([]*model.Prompt{a, text, b})), slices.Concat(logits(a), logits(text), logits(b)))
	}
}

// inChunks cuts through pictures.
func inChunks(m *Model, p *model.Prompt, size int) []float32 {
	c, cache := &tensor.Ctx{}, m.Language.NewCache(len(p.IDs))
	all := m.Embed(c, p)
	var h *tensor.Tensor
	for at := 0; at < len(p.IDs); at += size {
		s := all.Cut(at, min(at+size, len(p.IDs)))
		s.Past = []*model.KVCache{cache}
		h = m.Language.Forward(c, &s)
	}
	return m.Language.Logits(c, tensor.From(h.Row(h.Rows()-1), 1, h.Cols())).F32
}

// TestGradients of whole models, with a picture and a video.
func TestGradients(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			m := build(t, kind)
			p := prompt(m, []int32{1, -1, 3, -1, 5, 6, 7}, picture(1, 12, 8), clip(2, 2, 4, 8, 2))
			p.Labels = slices.Repeat([]int32{-1}, len(p.IDs))
			copy(p.Labels[len(p.IDs)-3:], []int32{6, 7, 8})
			gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return ops.Scale(c, model.Loss(c, m, p, 3), 3) }, nil)
		})
	}
}

// TestReleasedSizes counts the parameters of released checkpoints.
func TestReleasedSizes(t *testing.T) {
	const scaling = `"rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}`
	for config, want := range map[string]int64{
		`"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2,
			"vocab_size": 151936, "tie_word_embeddings": true, "vision_config": {"hidden_size": 1536}`: 2208985600, // Qwen2-VL-2B
		`"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
			"vision_config": {}`: 8291375616, // Qwen2-VL-7B
	} {
		count(t, Parse2, `{`+config+`, `+scaling+`}`, want)
	}
	count(t, Parse25, `{"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 2,
		"vocab_size": 151936, "tie_word_embeddings": true, "vision_config": {"hidden_size": 1280, "out_hidden_size": 2048}, `+scaling+`}`, 3754622976) // Qwen2.5-VL-3B
	const mixed = `"rope_scaling": {"mrope_interleaved": true, "mrope_section": [24, 20, 20], "rope_type": "default"}`
	count(t, Parse3, `{"tie_word_embeddings": true, "text_config": {"head_dim": 128, "hidden_size": 2048, "intermediate_size": 6144, "num_attention_heads": 16,
		"num_hidden_layers": 28, "num_key_value_heads": 8, `+mixed+`}, "vision_config": {"deepstack_visual_indexes": [5, 11, 17], "depth": 24,
		"hidden_size": 1024, "intermediate_size": 4096, "out_hidden_size": 2048}}`, 2127532032) // Qwen3-VL-2B
	count(t, Parse3, `{"tie_word_embeddings": false, "text_config": {"hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36,
		"num_key_value_heads": 8, `+mixed+`}, "vision_config": {"out_hidden_size": 4096}}`, 8767123696) // Qwen3-VL-8B
}

func count(t *testing.T, parse func([]byte) (Config, error), config string, want int64) {
	t.Helper()
	cfg, err := parse([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0) // more than an int holds on some machines
	nn.Walk(m, func(_ string, w *tensor.Tensor) { n += int64(w.Len()) })
	if n != want {
		t.Errorf("%d parameters, want %d: %s", n, want, config)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ kind, vision, want string }{
		{"2", `"hidden_size": 17`, "vision_config makes embeddings of width 17, and the language model has 16"},
		{"2", `"num_heads": 3`, "width 8 in 3 heads"},
		{"2", `"num_heads": 4`, "heads of a multiple of 4"},
		{"2", `"in_channels": 1`, "in_channels is 1"},
		{"2", `"mlp_ratio": -1`, "feed-forward width is 0"},
		{"2", `"temporal_patch_size": 0`, "temporal_patch_size is 0"},
		{"2.5", `"window_size": 3`, "window_size is 3, and a token covers 4 pixels"},
		{"2.5", `"hidden_act": "gelu"`, "hidden_act gelu, want silu"},
		{"2.5", `"hidden_act": "none"`, "hidden_act: "},
		{"3", `"num_position_embeddings": 10`, "num_position_embeddings is 10, want a square number"},
		{"3", `"rope_parameters": {"rope_theta": 0}`, "rope_theta is 0"},
		{"3", `"num_position_embeddings": -1`, "num_position_embeddings is -1"},
		{"3", `"deepstack_visual_indexes": [0, 3]`, "deepstack_visual_indexes [0 3], want blocks in ascending order, of 3"},
		{"3", `"deepstack_visual_indexes": [1, 0]`, "deepstack_visual_indexes [1 0]"},
		{"3", `"deepstack_visual_indexes": [0, 1, 2]`, "deepstack_visual_indexes [0 1 2], and the language model has 2 layers"},
	} {
		k := kinds[c.kind]
		_, err := k.parse([]byte(fmt.Sprintf(`{%s, "vision_config": {%s, %s}}`, text, k.vision, c.vision)))
		if err == nil || !strings.HasPrefix(err.Error(), "qwen2vl: config: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.vision, err, c.want)
		}
	}
	if _, err := Parse2([]byte(`{"rope_scaling": {"type": "mrope", "mrope_section": [1, 2]}}`)); err == nil || !strings.Contains(err.Error(), "mrope_section [1 2]") {
		t.Errorf("sections: error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{` + text + `, "vision_config": {` + kinds["2.5"].vision + `}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, k := range kinds {
			if cfg, err := k.parse(data); err == nil && (cfg.Vision.Heads < 1 || cfg.Text.HiddenSize < 1) {
				t.Error("no heads")
			}
		}
	})
}
