package qwenvl

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
	text = `"vocab_size": 20, "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 8, "kv_channels": 16,
		"intermediate_size": 48, "max_position_embeddings": 200, "seq_length": 16`
	visual = `"image_size": 12, "patch_size": 4, "width": 12, "layers": 2, "heads": 3, "mlp_ratio": 2.5, "n_queries": 4, "output_dim": 128, "image_start_id": 17`
)

func build(t testing.TB, config string) *Model {
	t.Helper()
	return modeltest.Random(t, config, 0.1, ParseConfig, New)
}

func tiny(t testing.TB) *Model { return build(t, `{`+text+`, "visual": {`+visual+`}}`) }

func picture(seed uint64) *model.Tiles {
	rng := rand.New(rand.NewPCG(seed, 4))
	t := &model.Tiles{Views: model.Views{Sizes: []image.Point{image.Pt(12, 12)}}}
	for range 3 * 12 * 12 {
		t.Views.Pixels = append(t.Views.Pixels, float32(rng.NormFloat64()))
	}
	return t
}

// prompt puts pictures, -1 among ids, between their marks.
func prompt(m *Model, ids []int32, images ...*model.Tiles) *model.Prompt {
	p := &model.Prompt{Images: images}
	for _, id := range ids {
		if id >= 0 {
			p.IDs = append(p.IDs, id)
			continue
		}
		p.At = append(p.At, len(p.IDs)+1)
		p.IDs = append(append(p.IDs, 17), slices.Repeat([]int32{19}, m.cfg.Queries)...)
		p.IDs = append(p.IDs, 18)
	}
	return p
}

// TestConversation wants the same logits from one prefill and from turns and steps
// with the cache cut back between; the second turn is longer than what the model
// was trained with, so that the first one has to be read again.
func TestConversation(t *testing.T) {
	m := tiny(t)
	a, b := picture(1), picture(2)
	whole := prompt(m, []int32{1, 2, -1, 3, 4, 5, -1, 6, 7, 8, 9}, a, b)
	want := modeltest.Prefill(t, generate.NewSession(m, 0, nil), whole)
	turns := generate.NewSession(m, 0, nil)
	modeltest.Prefill(t, turns, prompt(m, []int32{1, 2, -1, 3}, a))
	if n := turns.Common(whole); n != 0 {
		t.Errorf("%d tokens of a shorter prompt are to be kept", n)
	}
	got, err := turns.Extend(context.Background(), whole)
	if err != nil {
		t.Fatal(err)
	}
	modeltest.Near(t, "in turns", got, want)
	steps := generate.NewSession(m, 0, nil)
	modeltest.Prefill(t, steps, prompt(m, []int32{1, 2, -1, 3, 4, 5, -1, 6, 7}, a, b)) // its length is alike
	for _, id := range []int32{8, 9} {
		if got, err = steps.Step(id); err != nil {
			t.Fatal(err)
		}
	}
	modeltest.Near(t, "by steps", got, want)
}

// TestPicturesTogether: what a picture becomes does not depend on those beside it.
func TestPicturesTogether(t *testing.T) {
	m := tiny(t)
	all := m.Features(&tensor.Ctx{}, []*model.Tiles{picture(1), picture(2)}).F32
	modeltest.Near(t, "second picture", all[len(all)/2:], m.Features(&tensor.Ctx{}, []*model.Tiles{picture(2)}).F32)
}

// TestGradients of the whole model, with two pictures.
func TestGradients(t *testing.T) {
	m := build(t, `{`+strings.Replace(text, `"seq_length": 16`, `"seq_length": 100`, 1)+`, "visual": {`+visual+`}}`)
	p := prompt(m, []int32{1, -1, 3, -1, 5, 6, 7}, picture(1), picture(2))
	p.Labels = slices.Repeat([]int32{-1}, len(p.IDs))
	copy(p.Labels[len(p.IDs)-3:], []int32{6, 7, 8})
	gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return ops.Scale(c, model.Loss(c, m, p, 3), 3) }, nil)
}

// TestReleasedSize counts the parameters of Qwen-VL-Chat.
func TestReleasedSize(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"seq_length": 2048, "visual": {"heads": 16, "image_size": 448, "image_start_id": 151857, "layers": 48,
		"mlp_ratio": 4.9231, "output_dim": 4096, "patch_size": 14, "width": 1664}}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bytes := int64(0) // in 16 bits: total_size of pytorch_model.bin.index.json
	nn.Walk(m, func(_ string, w *tensor.Tensor) { bytes += 2 * int64(w.Len()) })
	if bytes != 19313870336 {
		t.Errorf("%d bytes, want %d", bytes, int64(19313870336))
	}
}

func TestConfigErrors(t *testing.T) {
	for visualMore, want := range map[string]string{
		`"n_queries": 5`:          "n_queries is 5, want a square number",
		`"n_queries": -4`:         "n_queries is -4",
		`"output_dim": 256`:       "output_dim is 256, and the language model has hidden_size 128",
		`"image_start_id": 18`:    "image_start_id is 18, and the vocabulary has 20 tokens",
		`"mlp_ratio": 1000`:       "mlp_ratio is 1000",
		`"heads": 5`:              "visual: bigg: config: hidden_size 12 is no multiple of num_attention_heads 5",
		`"patch_size": 0`:         "patch_size 0",
		`"width": 99999999999999`: "hidden_size is 99999999999999",
	} {
		_, err := ParseConfig([]byte(fmt.Sprintf(`{%s, "visual": {%s, %s}}`, text, visual, visualMore)))
		if err == nil || !strings.HasPrefix(err.Error(), "qwenvl: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", visualMore, err, want)
		}
	}
	if _, err := ParseConfig([]byte(`{` + text + `}`)); err == nil || !strings.Contains(err.Error(), "visual is missing") {
		t.Errorf("no pictures: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{` + text + `, "visual": {` + visual + `}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && (cfg.Vision.NumHeads < 1 || cfg.Text.HiddenSize < 1) {
			t.Error("no heads")
		}
	})
}
