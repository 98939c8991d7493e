package qwen2vl

import (
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// clip is a video of views of two frames, of tokens of 4×4 pixels.
func clip(seed uint64, views, w, h int, fps float64) *model.Tiles {
	t := &model.Tiles{Clip: &model.Clip{FPS: fps}}
	for i := range views {
		for range 2 {
			one := picture(seed, w, h)
			seed++
			t.Views.Pixels = append(t.Views.Pixels, one.Views.Pixels...)
		}
		t.Views.Sizes = append(t.Views.Sizes, picture(0, w, h).Views.Sizes[0])
		t.Views.Frames = append(t.Views.Frames, 2)
		t.Clip.Times = append(t.Clip.Times, float64(2*i)/fps, float64(2*i+1)/fps)
	}
	return t
}

// TestVideoPositions: time goes on by one a view, or with the seconds, as
// get_rope_index of transformers 4.51.3 counts; text goes on from the largest.
func TestVideoPositions(t *testing.T) {
	for _, test := range []struct {
		kind string
		fps  float64
		time []int32 // of each view
		next int32   // position of the text behind
	}{
		{"2", 2, []int32{1, 2, 3}, 4},
		{"2.5", 2, []int32{1, 5, 9}, 10},     // 4 positions a second
		{"2.5", 3, []int32{1, 3, 6}, 7},      // 2/3 of a second: 2.67 positions
		{"2.5", 1000, []int32{1, 1, 1}, 3},   // the height is larger
		{"3", 2, []int32{1, 2, 3}, 4},        // a clip as a whole, which its Processor never makes
		{"2.5", 0.5, []int32{1, 17, 33}, 34}, // 4 seconds
	} {
		m := build(t, test.kind)
		s := m.Embed(&tensor.Ctx{}, prompt(m, []int32{1, -1, 2}, clip(1, 3, 4, 8, test.fps)))
		want := [][3]int32{{0, 0, 0}}
		for _, at := range test.time {
			want = append(want, [3]int32{at, 1, 1}, [3]int32{at, 2, 1})
		}
		want = append(want, [3]int32{test.next, test.next, test.next})
		if !slices.Equal(s.Positions, want) {
			t.Errorf("Qwen%s-VL, %g frames a second: %v, want %v", test.kind, test.fps, s.Positions, want)
		}
	}
}

// TestStillVideo: a view of one frame twice is a picture; of pictures and videos in one
// prompt each has the features that it has alone.
func TestStillVideo(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		still, film := picture(7, 8, 12), clip(9, 2, 12, 8, 2)
		twice := &model.Tiles{Clip: &model.Clip{FPS: 2}, Views: model.Views{
			Pixels: slices.Concat(still.Views.Pixels, still.Views.Pixels), Sizes: still.Views.Sizes, Frames: []int{2},
		}}
		one := m.Features(&tensor.Ctx{}, []*model.Tiles{still})
		two := m.Features(&tensor.Ctx{}, []*model.Tiles{twice})
		if !slices.Equal(one.F32, two.F32) {
			t.Errorf("Qwen%s-VL: a still video is not the picture", kind)
		}
		alone := m.Features(&tensor.Ctx{}, []*model.Tiles{film})
		all := m.Features(&tensor.Ctx{}, []*model.Tiles{still, film, twice})
		if !slices.Equal(all.F32, slices.Concat(one.F32, alone.F32, two.F32)) {
			t.Errorf("Qwen%s-VL: features differ beside others", kind)
		}
	}
}

// TestParts: a video that goes through the tower in parts has the features that it has
// at once, and so have the pictures beside it.
func TestParts(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		p := prompt(m, []int32{1, -1, -1}, picture(2, 12, 8), clip(3, 17, 64, 64, 2)) // views of 1024 patches
		if n := len(m.parts(model.ViewsOf(p.Images))); n != 2 {
			t.Fatalf("%d parts", n)
		}
		got := m.Embed(&tensor.Ctx{}, p)
		want := m.Embed(&tensor.Ctx{Observer: func(string, *tensor.Tensor) {}}, p)
		if !slices.Equal(got.X.F32, want.X.F32) || len(got.Deep) != len(want.Deep) {
			t.Errorf("Qwen%s-VL: embeddings differ", kind)
		}
		for i, d := range want.Deep {
			if !slices.Equal(got.Deep[i].F32, d.F32) {
				t.Errorf("Qwen%s-VL: features %d of deeper layers differ", kind, i)
			}
		}
	}
}

// TestLongVideo: a video that is longer than what runs at once gives the same logits in
// parts, and what follows it stands where it should.
func TestLongVideo(t *testing.T) {
	for kind := range kinds {
		m := build(t, kind)
		p := prompt(m, []int32{1, 2, -1, 3}, clip(3, 3, 64, 64, 2))
		c := &tensor.Ctx{}
		s := m.Embed(c, p)
		h := m.Decoder().Forward(c, s)
		want := slices.Clone(m.Decoder().Logits(c, tensor.From(h.Row(h.Rows()-1), 1, h.Cols())).F32)
		session := generate.NewSession(m, 0, nil)
		got, err := session.Prefill(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		modeltest.Near(t, "Qwen"+kind+"-VL", got, want)

		q := prompt(m, []int32{1, 2, -1, 3, 4}, clip(3, 3, 64, 64, 2))
		h = m.Decoder().Forward(c, m.Embed(c, q))
		want = slices.Clone(m.Decoder().Logits(c, tensor.From(h.Row(h.Rows()-1), 1, h.Cols())).F32)
		if got, err = session.Step(4); err != nil {
			t.Fatal(err)
		}
		modeltest.Near(t, "the step behind in Qwen"+kind+"-VL", got, want)
	}
}
