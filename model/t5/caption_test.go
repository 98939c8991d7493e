package t5

import (
	"context"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// captioner reads pictures without placeholders: their pixels are the memory.
type captioner struct{ *Model }

func (m captioner) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	s := &model.Sequence{X: m.Model.Embed(c, p.IDs), Starts: p.Starts}
	if p.Remembers() {
		v := model.ViewsOf(p.Images)
		s.Memory = tensor.From(v.Pixels, len(v.Pixels)/m.cfg.Width, m.cfg.Width)
	}
	return s
}

func (m captioner) Decoder() model.Decoder { return m.Model }

func tiles(pixel float32, rows int) *model.Tiles {
	return &model.Tiles{Views: model.Views{Pixels: slices.Repeat([]float32{pixel, 1, 0, pixel * pixel, -1, 0.5}, rows)}}
}

// TestSessionWithPictures: a picture that the decoder reads by cross-attention is
// encoded once, and another one starts the session anew.
func TestSessionWithPictures(t *testing.T) {
	m := captioner{waves(t, `{"num_decoder_layers": 3, `+tiny).Model}
	s := generate.NewSession(m, 20, nil)
	cat, dog := tiles(0.3, 3), tiles(0.7, 5)
	for i, step := range []struct {
		p      *model.Prompt
		common int
	}{
		{&model.Prompt{IDs: []int32{1, 7, 8}, Images: []*model.Tiles{cat}}, 0},
		{&model.Prompt{IDs: []int32{1, 7, 8, 9, 2}, Images: []*model.Tiles{tiles(0.3, 3)}}, 3},
		{&model.Prompt{IDs: []int32{1, 7, 3}, Images: []*model.Tiles{cat}}, 2},
		{&model.Prompt{IDs: []int32{1, 7, 3}, Images: []*model.Tiles{dog}}, 0},
		{&model.Prompt{IDs: []int32{1, 7, 3, 4}, Images: []*model.Tiles{dog}}, 3},
	} {
		if n := s.Common(step.p); n != step.common {
			t.Errorf("prompt %d: %d in common, want %d", i, n, step.common)
		}
		got, err := s.Extend(context.Background(), step.p)
		if err != nil {
			t.Fatal(err)
		}
		c := &tensor.Ctx{}
		want := m.Logits(c, m.Forward(c, m.Embed(c, step.p))).F32
		if !slices.Equal(got, want[len(want)-m.Vocab():]) {
			t.Errorf("prompt %d: other logits than without a cache", i)
		}
	}
	fresh := generate.NewSession(m, 20, nil)
	if _, err := fresh.Prefill(context.Background(), &model.Prompt{IDs: []int32{1}}); err == nil {
		t.Error("a decoder that needs a picture runs without one")
	}
}
