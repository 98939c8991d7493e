package model_test

import (
	"image"
	"math"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

func TestPack(t *testing.T) {
	a := &model.Prompt{IDs: []int32{1, 9, 9, 2}, Labels: []int32{-1, -1, 2, -1}, Images: []*model.Tiles{{}}, At: []int{1}}
	b := &model.Prompt{IDs: []int32{3}, Labels: []int32{-1}}
	c := &model.Prompt{IDs: []int32{9, 4, 9}, Labels: []int32{4, 9, -1}, Images: []*model.Tiles{{}, {}}, At: []int{0, 2}}
	got := model.Pack([]*model.Prompt{a, b, c})
	if want := []int32{1, 9, 9, 2, 3, 9, 4, 9}; !slices.Equal(got.IDs, want) {
		t.Errorf("ids %v, want %v", got.IDs, want)
	}
	if want := []int32{-1, -1, 2, -1, -1, 4, 9, -1}; !slices.Equal(got.Labels, want) {
		t.Errorf("labels %v, want %v", got.Labels, want)
	}
	if want := []int{0, 4, 5, 8}; !slices.Equal(got.Starts, want) {
		t.Errorf("starts %v, want %v", got.Starts, want)
	}
	if want := []int{1, 5, 7}; !slices.Equal(got.At, want) {
		t.Errorf("pictures at %v, want %v", got.At, want)
	}
	if want := []*model.Tiles{a.Images[0], c.Images[0], c.Images[1]}; !slices.Equal(got.Images, want) {
		t.Error("the pictures are not in order")
	}
	if got.Labelled() != 3 || b.Labelled() != 0 {
		t.Errorf("%d and %d labels, want 3 and 0", got.Labelled(), b.Labelled())
	}
	if len(a.IDs) != 4 || a.Starts != nil {
		t.Error("Pack changed a prompt")
	}
	if got.Longest() != 4 || b.Longest() != 1 {
		t.Errorf("the longest have %d and %d tokens, want 4 and 1", got.Longest(), b.Longest())
	}
	again := model.Pack([]*model.Prompt{b, got})
	if want := []int{0, 1, 5, 6, 9}; !slices.Equal(again.Starts, want) {
		t.Errorf("starts of a pack in a pack %v, want %v", again.Starts, want)
	}
}

// TestPackForEncoders keeps what decoders read apart from what encoders do.
func TestPackForEncoders(t *testing.T) {
	a := &model.Prompt{IDs: []int32{9, 9, 2}, DecoderIDs: []int32{0}, Labels: []int32{5}, Images: []*model.Tiles{{}}, At: []int{0}}
	b := &model.Prompt{IDs: []int32{3}, DecoderIDs: []int32{0, 6, 7}}
	got := model.Pack([]*model.Prompt{a, model.Pack([]*model.Prompt{b, a})})
	if want := []int32{0, 0, 6, 7, 0}; !slices.Equal(got.DecoderIDs, want) {
		t.Errorf("the decoder reads %v, want %v", got.DecoderIDs, want)
	}
	if want := []int{0, 1, 4, 5}; !slices.Equal(got.DecoderStarts, want) {
		t.Errorf("starts for the decoder %v, want %v", got.DecoderStarts, want)
	}
	if want := []int{0, 3, 4, 7}; !slices.Equal(got.Starts, want) {
		t.Errorf("starts %v, want %v", got.Starts, want)
	}
	if want := []int32{5, -1, -1, -1, 5}; !slices.Equal(got.Labels, want) {
		t.Errorf("labels %v, want %v", got.Labels, want)
	}
	if got.Longest() != 3 || !got.Remembers() || (&model.Prompt{DecoderIDs: []int32{1}}).Remembers() {
		t.Errorf("the longest has %d tokens, brings something to remember: %v", got.Longest(), got.Remembers())
	}
}

// TestPackOfPromptsWithoutLabels keeps every label at its token.
func TestPackOfPromptsWithoutLabels(t *testing.T) {
	plain := &model.Prompt{IDs: []int32{1, 2}}
	taught := &model.Prompt{IDs: []int32{3, 4}, Labels: []int32{4, -1}}
	if got := model.Pack([]*model.Prompt{plain, plain}); got.Labels != nil {
		t.Errorf("labels %v of prompts that have none", got.Labels)
	}
	for _, c := range []struct {
		prompts []*model.Prompt
		want    []int32
	}{
		{[]*model.Prompt{plain, taught}, []int32{-1, -1, 4, -1}},
		{[]*model.Prompt{taught, plain}, []int32{4, -1, -1, -1}},
	} {
		if got := model.Pack(c.prompts).Labels; !slices.Equal(got, c.want) {
			t.Errorf("labels %v, want %v", got, c.want)
		}
	}
	if got := model.Pack(nil); len(got.IDs) != 0 || !slices.Equal(got.Starts, []int{0}) {
		t.Errorf("a pack of nothing is %+v", got)
	}
}

func TestViewsAppend(t *testing.T) {
	v := model.Views{Pixels: []float32{1}, Sizes: []image.Point{{X: 1, Y: 1}}}
	v.Append(&model.Views{Pixels: []float32{2, 3}, Sizes: []image.Point{{X: 2, Y: 1}}})
	if !slices.Equal(v.Pixels, []float32{1, 2, 3}) || len(v.Sizes) != 2 || v.Sizes[1].X != 2 {
		t.Errorf("views %+v", v)
	}
}

func TestKVCacheIsEmptyAtFirst(t *testing.T) {
	k := model.NewKVCache(3, 5, 4)
	if len(k.Layer) != 3 || k.Len() != 0 || k.Layer[2].Cap() != 5 {
		t.Errorf("%d layers of %d tokens, %d held", len(k.Layer), k.Layer[2].Cap(), k.Len())
	}
	k.Truncate(0)
}

// echo is a model whose logits are a token's embedding: 2 at its own id.
type echo struct{}

func (echo) Decoder() model.Decoder { return echoDecoder{} }

func (echo) Embed(_ *tensor.Ctx, p *model.Prompt) *model.Sequence {
	x := tensor.New(len(p.IDs), 4)
	for i, id := range p.IDs {
		x.Row(i)[id] = 2
	}
	return &model.Sequence{X: x}
}

type echoDecoder struct{ model.Decoder }

func (echoDecoder) Forward(_ *tensor.Ctx, s *model.Sequence) *tensor.Tensor { return s.X }
func (echoDecoder) Logits(_ *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor   { return h }

func TestLoss(t *testing.T) {
	p := &model.Prompt{IDs: []int32{0, 1, 2, 3}, Labels: []int32{0, -1, 1, -1}}
	loss := model.Loss(&tensor.Ctx{}, echo{}, p, 5)
	right := math.Log(math.Exp(2)+3) - 2 // the label is the token itself
	wrong := math.Log(math.Exp(2) + 3)
	if got, want := float64(loss.F32[0]), (right+wrong)/5; math.Abs(got-want) > 1e-6 {
		t.Errorf("loss %v, want %v", got, want)
	}
	nothing := &model.Prompt{IDs: []int32{0, 1}, Labels: []int32{-1, -1}}
	if got := model.Loss(&tensor.Ctx{}, echo{}, nothing, 1).F32[0]; got != 0 {
		t.Errorf("loss %v of a prompt that teaches nothing", got)
	}
}

func TestBranch(t *testing.T) {
	tiles := []*model.Tiles{{}}
	a := &model.Prompt{IDs: []int32{1, 9, 9, 2, 3, 4}, Labels: []int32{-1, -1, -1, 3, 4, -1}, Images: tiles, At: []int{1}}
	b := &model.Prompt{IDs: []int32{1, 9, 9, 2, 5}, Labels: []int32{-1, -1, -1, 5, -1}, Images: tiles, At: []int{1}}
	got, err := model.Branch([]*model.Prompt{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	// Token 2 is not shared: what follows it is not the same.
	if want := []int32{1, 9, 9, 2, 3, 4, 2, 5, 2, 3, 4}; !slices.Equal(got.IDs, want) {
		t.Errorf("ids %v, want %v", got.IDs, want)
	}
	if want := []int32{-1, -1, -1, 3, 4, -1, 5, -1, 3, 4, -1}; !slices.Equal(got.Labels, want) {
		t.Errorf("labels %v, want %v", got.Labels, want)
	}
	if want := []int{3, 6, 8}; len(got.Branches) != 1 || !slices.Equal(got.Branches[0], want) {
		t.Errorf("branches %v, want %v", got.Branches, want)
	}
	if len(got.Images) != 1 || !slices.Equal(got.At, []int{1}) {
		t.Errorf("%d pictures at %v", len(got.Images), got.At)
	}
	packed := model.Pack([]*model.Prompt{b, got, b})
	if want := [][]int{nil, {3, 6, 8}, nil}; !slices.EqualFunc(packed.Branches, want, slices.Equal) {
		t.Errorf("branches of a pack %v, want %v", packed.Branches, want)
	}
	s := model.Sequence{Branches: packed.Branches}
	for row, want := range []int{0, 1, 2, 3, 4, 5, 3, 4, 3, 4, 5} {
		if at := s.Position(1, row); at != want {
			t.Errorf("row %d at position %d, want %d", row, at, want)
		}
		if at := s.Position(0, row); at != row {
			t.Errorf("row %d of a sequence without branches at position %d", row, at)
		}
	}
}

func TestBranchOfPromptsThatDiffer(t *testing.T) {
	of := func(at int, ids ...int32) *model.Prompt {
		p := &model.Prompt{IDs: ids, Labels: make([]int32, len(ids))}
		if at >= 0 {
			p.Images, p.At = []*model.Tiles{{}}, []int{at}
		}
		return p
	}
	unlabelled := of(0, 9, 1)
	unlabelled.Labels = nil
	for name, prompts := range map[string][]*model.Prompt{
		"picture behind the question": {of(1, 1, 9), of(1, 2, 9)},
		"one without picture":         {of(0, 9, 1), of(-1, 9, 1)},
		"nothing shared":              {of(-1, 1), of(-1, 2)},
		"no labels":                   {unlabelled, of(0, 9, 1)},
		"a pack":                      {of(0, 9, 1), model.Pack([]*model.Prompt{of(0, 9, 1)})},
	} {
		if _, err := model.Branch(prompts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCutPositions: chunks of a sequence have its positions again when each is counted on from the one before.
func TestCutPositions(t *testing.T) {
	all := [][3]int32{{0, 0, 0}, {1, 1, 1}, {1, 1, 2}, {1, 2, 1}, {1, 2, 2}, {3, 3, 3}}
	s := model.Sequence{X: tensor.New(len(all), 1), Positions: all}
	for size := range len(all) {
		k := model.NewKVCache(1, len(all), 1)
		for at := 0; at < len(all); at += size + 1 {
			cut := s.Cut(at, min(at+size+1, len(all)))
			for i, p := range cut.Positions {
				first := int32(k.Next())
				if got := [3]int32{first + p[0], first + p[1], first + p[2]}; got != all[at+i] {
					t.Errorf("chunks of %d: row %d is at %v, want %v", size+1, at+i, got, all[at+i])
				}
			}
			k.SetNext(k.Next() + int(cut.Next(0, len(cut.Positions)))) // the layers are empty: Len stays 0
		}
	}
}

// TestViews: parts and joined views keep their frames and pixels.
func TestViews(t *testing.T) {
	numbers := func(n int) (out []float32) {
		for i := range n {
			out = append(out, float32(i))
		}
		return out
	}
	still := &model.Views{Pixels: numbers(3 * 2 * 1), Sizes: []image.Point{{X: 2, Y: 1}}}
	pairs := &model.Views{Pixels: numbers(2 * 2 * 3 * 4), Sizes: []image.Point{{X: 2, Y: 2}, {X: 2, Y: 2}}, Frames: []int{2, 2}}
	all := new(model.Views)
	for _, v := range []*model.Views{still, pairs, still} {
		all.Append(v)
	}
	if !slices.Equal(all.Frames, []int{1, 2, 2, 1}) || len(all.Pixels) != 6+48+6 || all.Depth(1) != 2 || still.Depth(0) != 1 {
		t.Errorf("joined: frames %v, %d pixels", all.Frames, len(all.Pixels))
	}
	for _, c := range []struct {
		lo, hi int
		pixels []float32
		frames []int
	}{{0, 1, still.Pixels, []int{1}}, {1, 3, pairs.Pixels, []int{2, 2}}, {2, 3, pairs.Pixels[24:], []int{2}}, {3, 4, still.Pixels, []int{1}}} {
		if p := all.Part(c.lo, c.hi); !slices.Equal(p.Pixels, c.pixels) || !slices.Equal(p.Frames, c.frames) || len(p.Sizes) != c.hi-c.lo {
			t.Errorf("views %d to %d: %+v", c.lo, c.hi, p)
		}
	}
}
