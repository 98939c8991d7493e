package generate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

func film(t *testing.T, name string, o imageproc.VideoOptions) *imageproc.Video {
	t.Helper()
	v, err := imageproc.OpenVideoFile("../testdata/qwen2_vl_video/"+name, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVideoTurns: a conversation with videos gives the same logits turn after turn as
// all at once, in every family that takes them, and what is seen of another video is
// not what is seen of the first.
func TestVideoTurns(t *testing.T) {
	for _, name := range []string{"llava_onevision", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"} {
		m, err := zoo.OpenDir("../testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		vlm, _ := m.VLM()
		show := func(text string, v *imageproc.Video) model.Turn {
			return model.Turn{Role: "user", Text: text, Images: []*imageproc.RGB{picture(t, "image0.png")}, Videos: []*imageproc.Video{v}}
		}
		begin := func() []model.Turn {
			return []model.Turn{show("In <video> is <image>?", film(t, "film.gif", imageproc.VideoOptions{})), {Role: "assistant", Text: "No"}}
		}
		turns := generate.NewSession(vlm, 0, nil)
		extend := func(conv ...model.Turn) (*model.Prompt, int) {
			t.Helper()
			p := process(t, m, conv...)
			common := turns.Common(p)
			want := prefill(t, generate.NewSession(vlm, 0, nil), p)
			got, err := turns.Extend(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			near(t, name, slices.Clone(got), want)
			return p, common
		}
		first, _ := extend(begin()[0])
		if _, common := extend(append(begin(), user("And?"))...); common < len(first.IDs)-4 {
			t.Errorf("%s: %d of %d tokens in common", name, common, len(first.IDs))
		}
		extend(append(begin(), show("Again <image> <video>?", film(t, "frames", imageproc.VideoOptions{})))...)
		if p, common := extend(show("In <video> is <image>?", film(t, "film.webp", imageproc.VideoOptions{}))); common > p.At[0] {
			t.Errorf("%s: another video, and %d tokens in common", name, common)
		}
	}
}

// TestVideoTimes: the same frames at another rate are another video where the model
// reads time.
func TestVideoTimes(t *testing.T) {
	m, err := zoo.OpenDir("../testdata/qwen2_5_vl")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	vlm, _ := m.VLM()
	s := generate.NewSession(vlm, 0, nil)
	ask := func(rate float64) *model.Prompt {
		v := film(t, "frames", imageproc.VideoOptions{Rate: rate, Sampling: imageproc.Sampling{Frames: 4}})
		return process(t, m, model.Turn{Role: "user", Text: "What?", Videos: []*imageproc.Video{v}})
	}
	p := ask(2)
	slow := slices.Clone(prefill(t, s, p))
	if n := s.Common(ask(2)); n != len(p.IDs)-1 {
		t.Errorf("%d tokens in common, want %d", n, len(p.IDs)-1)
	}
	fast := ask(20)
	if n := s.Common(fast); n != p.At[0] {
		t.Errorf("at another rate %d tokens in common, want %d", n, p.At[0])
	}
	if slices.Equal(slow, prefill(t, generate.NewSession(vlm, 0, nil), fast)) {
		t.Error("the rate says nothing to the model")
	}
}

// TestVideoTooLong: what does not fit is said of videos too.
func TestVideoTooLong(t *testing.T) {
	m, err := zoo.OpenDir("../testdata/qwen2_vl")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	vlm, _ := m.VLM()
	p := process(t, m, model.Turn{Role: "user", Text: "What?", Videos: []*imageproc.Video{film(t, "film.gif", imageproc.VideoOptions{})}})
	_, err = generate.NewSession(vlm, 6, nil).Prefill(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "the videos alone take 8 tokens, and 6 of the context's 6 are left: see fewer frames of them, or use") {
		t.Errorf("%v", err)
	}
}
