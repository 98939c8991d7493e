package generate_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

const fixture = "../testdata/llava15"

func openFixture(t *testing.T) (*zoo.Model, model.VLM) {
	t.Helper()
	m, err := zoo.OpenDir(fixture)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	vlm, ok := m.VLM()
	if !ok {
		t.Fatal("not a generating model")
	}
	return m, vlm
}

func picture(t *testing.T, name string) *imageproc.RGB {
	t.Helper()
	img, err := imageproc.OpenFile(filepath.Join(fixture, name), imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func process(t *testing.T, m *zoo.Model, conv ...model.Turn) *model.Prompt {
	t.Helper()
	p, err := m.Processor.Process(conv)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func user(text string, images ...*imageproc.RGB) model.Turn {
	return model.Turn{Role: "user", Text: text, Images: images}
}

// TestExtend runs conversations one after another in one session. Each must give
// the logits that an empty session gives, and reuse what it has in common with
// the one before.
func TestExtend(t *testing.T) {
	m, vlm := openFixture(t)
	a, b := picture(t, "image0.png"), picture(t, "image1.png")
	said := model.Turn{Role: "assistant", Text: "A cat."}
	first := process(t, m, user("What is this?", a))
	rows := vlm.(interface{ TokensPerImage() int }).TokensPerImage()
	pair := process(t, m, user("Same?", a, b))
	steps := []struct {
		name   string
		prompt *model.Prompt
		common int // -1: do not ask
	}{
		{"first", first, 0},
		{"the same again", first, len(first.IDs) - 1},
		{"decoded anew from the same file", process(t, m, user("What is this?", picture(t, "image0.png"))), len(first.IDs) - 1},
		{"longer", process(t, m, user("What is this?", a), said, user("Sure?")), -1},
		{"longer by a picture", process(t, m, user("What is this?", a), said, user("And this?", b)), -1},
		{"the beginning again", first, len(first.IDs) - 1},
		{"another picture", process(t, m, user("What is this?", b)), first.At[0]},
		{"back", first, first.At[0]},
		{"two pictures", pair, -1},
		{"two pictures, the second another", process(t, m, user("Same?", a, a)), pair.At[1]},
		{"two pictures the other way round", process(t, m, user("Same?", b, a)), pair.At[0]},
		{"none", process(t, m, user("What is this?")), -1},
	}
	if rows < 2 {
		t.Fatalf("%d tokens in a picture: too few to tell", rows)
	}
	s := generate.NewSession(vlm, 0, nil)
	for _, step := range steps {
		if n := s.Common(step.prompt); step.common >= 0 && n != step.common {
			t.Errorf("%s: %d tokens in common, want %d", step.name, n, step.common)
		}
		got, err := s.Extend(t.Context(), step.prompt)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if !slices.Equal(s.IDs(), step.prompt.IDs) {
			t.Fatalf("%s: the cache holds other tokens than the prompt", step.name)
		}
		want, err := generate.NewSession(vlm, 0, nil).Prefill(t.Context(), step.prompt)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(got, want); d > 1e-5 {
			t.Errorf("%s: logits are %g apart from those of an empty session", step.name, d)
		}
	}
}

// distance is the largest difference relative to the largest magnitude.
func distance(got, want []float32) float64 {
	var diff, scale float64
	for i := range want {
		diff = max(diff, math.Abs(float64(got[i]-want[i])))
		scale = max(scale, math.Abs(float64(want[i])))
	}
	return diff / scale
}

// TestExtendAnswers: an answer that began in a session goes on as one that an
// uninterrupted session gives, and the next turn reuses its tokens.
func TestExtendAnswers(t *testing.T) {
	m, vlm := openFixture(t)
	p := process(t, m, user("What is this?", picture(t, "image0.png")))
	opts := generate.Options{MaxTokens: 12, EOS: m.Generation.EOS}
	whole := answer(t, m, generate.NewSession(vlm, 0, nil), p, opts)
	s := generate.NewSession(vlm, 0, nil)
	if again := answer(t, m, s, p, opts); !slices.Equal(again.IDs, whole.IDs) {
		t.Errorf("answers differ: %v and %v", again.IDs, whole.IDs)
	}
	next := &model.Prompt{IDs: append(slices.Clone(p.IDs), whole.IDs[:4]...), At: p.At, Images: p.Images}
	if n := s.Common(next); n != len(next.IDs)-1 {
		t.Errorf("%d tokens in common with the conversation and its answer, want %d", n, len(next.IDs)-1)
	}
}

func answer(t *testing.T, m *zoo.Model, s *generate.Session, p *model.Prompt, o generate.Options) *generate.Answer {
	t.Helper()
	logits, err := s.Extend(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	a, err := generate.Start(s, m.Tokenizer, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range a.From(t.Context(), logits) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestExtendFails(t *testing.T) {
	m, vlm := openFixture(t)
	p := process(t, m, user("What is this?", picture(t, "image0.png")))
	s := generate.NewSession(vlm, len(p.IDs), nil)
	if _, err := s.Extend(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	longer := process(t, m, user("What is this thing here?", picture(t, "image0.png")))
	if _, err := s.Extend(t.Context(), longer); err == nil {
		t.Error("a prompt longer than the context ran")
	}
	if !slices.Equal(s.IDs(), p.IDs) {
		t.Error("a prompt that does not fit changed the cache")
	}
	if _, err := s.Extend(t.Context(), &model.Prompt{}); err == nil {
		t.Error("an empty prompt ran")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Extend(cancelled, p); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	if got, err := s.Extend(t.Context(), p); err != nil || len(got) != vlm.Decoder().Vocab() {
		t.Errorf("after failures: %d logits, error %v", len(got), err)
	}
}
