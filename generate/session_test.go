package generate_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// openStories opens a trained language model of 260 thousand parameters.
func openStories(t testing.TB) (*zoo.Model, model.VLM) {
	t.Helper()
	m, err := zoo.OpenDir("../testdata/stories260k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	vlm, _ := m.VLM()
	return m, vlm
}

func text(t testing.TB, m *zoo.Model, s string) *model.Prompt {
	t.Helper()
	p, err := m.Processor.ProcessText(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func prefill(t testing.TB, s *generate.Session, p *model.Prompt) []float32 {
	t.Helper()
	logits, err := s.Prefill(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(logits)
}

func step(t testing.TB, s *generate.Session, id int32) []float32 {
	t.Helper()
	logits, err := s.Step(id)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(logits)
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d logits, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-4 {
			t.Fatalf("%s: logit %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestTruncatedSessionEqualsAFreshOne(t *testing.T) {
	m, vlm := openStories(t)
	p := text(t, m, "Once upon a time there was a dog")
	want := prefill(t, generate.NewSession(vlm, 0, nil), p)
	s := generate.NewSession(vlm, 0, nil)
	prefill(t, s, text(t, m, "Lily went to the park"))
	s.Truncate(0)
	near(t, "truncated to nothing", prefill(t, s, p), want)
	for _, keep := range []int{1, 4, len(p.IDs) - 1} {
		s.Truncate(keep)
		near(t, "truncated", prefill(t, s, &model.Prompt{IDs: p.IDs[keep:]}), want)
		if !slices.Equal(s.IDs(), p.IDs) {
			t.Errorf("after %d kept tokens the session has %v, want %v", keep, s.IDs(), p.IDs)
		}
	}
	s.Truncate(3)
	for _, id := range p.IDs[3 : len(p.IDs)-1] {
		step(t, s, id)
	}
	near(t, "stepped", step(t, s, p.IDs[len(p.IDs)-1]), want)
}

// TestLongPrefill runs a prompt that takes more than one chunk.
func TestLongPrefill(t *testing.T) {
	m, vlm := openStories(t)
	long := wider{vlm, 700}
	ids := slices.Repeat(text(t, m, "Tim ran to the big tree").IDs, 60)[:600]
	s := generate.NewSession(long, 0, nil)
	got := prefill(t, s, &model.Prompt{IDs: ids})
	one := generate.NewSession(long, 0, nil)
	prefill(t, one, &model.Prompt{IDs: ids[:300]})
	near(t, "600 tokens at once", got, prefill(t, one, &model.Prompt{IDs: ids[300:]}))
}

// wider is a model said to have another context length.
type wider struct {
	model.VLM
	context int
}

func (w wider) Decoder() model.Decoder { return widerDecoder{w.VLM.Decoder(), w.context} }

type widerDecoder struct {
	model.Decoder
	context int
}

func (d widerDecoder) Context() int { return d.context }

func TestPromptsThatCannotRun(t *testing.T) {
	m, vlm := openStories(t)
	s := generate.NewSession(vlm, 8, nil)
	p := text(t, m, "Once")
	want := prefill(t, generate.NewSession(vlm, 8, nil), p)
	prefill(t, s, &model.Prompt{IDs: []int32{1, 2}})
	for _, c := range []struct {
		ids  []int32
		want string
	}{
		{nil, "empty"},
		{make([]int32, 7), "has 7 tokens and 6 of the context's 8 are left"},
		{[]int32{1, 512}, "token 1 of the prompt is 512, which is not in the model's vocabulary of 512"},
		{[]int32{-1}, "token 0 of the prompt is -1"},
		{[]int32{math.MaxInt32}, "vocabulary"},
	} {
		if _, err := s.Prefill(context.Background(), &model.Prompt{IDs: c.ids}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d ids: error %v, want %q", len(c.ids), err, c.want)
		}
	}
	for _, id := range []int32{-1, 512} {
		if _, err := s.Step(id); err == nil || !strings.Contains(err.Error(), "vocabulary of 512") {
			t.Errorf("Step(%d): error %v", id, err)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Prefill(cancelled, p); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if len(s.IDs()) != 2 {
		t.Errorf("the failures left %v in the session", s.IDs())
	}
	s.Truncate(0)
	near(t, "after the failures", prefill(t, s, p), want)
	for s.Room() > 0 {
		step(t, s, 5)
	}
	if _, err := s.Step(5); !errors.Is(err, generate.ErrContextFull) {
		t.Errorf("a step too many: %v", err)
	}
}

// TestPlaceholdersOutsideTheVocabulary are allowed where a picture is.
func TestPlaceholdersOutsideTheVocabulary(t *testing.T) {
	m, vlm := openFixture(t)
	p := process(t, m, user("What is this?", picture(t, "image0.png")))
	want := prefill(t, generate.NewSession(vlm, 0, nil), p)
	outside := *p
	outside.IDs = slices.Clone(p.IDs)
	for i, id := range outside.IDs {
		if id == p.IDs[p.At[0]] {
			outside.IDs[i] = 99999
		}
	}
	near(t, "placeholders of another id", prefill(t, generate.NewSession(vlm, 0, nil), &outside), want)
	outside.Images, outside.At = nil, nil
	if _, err := generate.NewSession(vlm, 0, nil).Prefill(context.Background(), &outside); err == nil {
		t.Error("placeholders without a picture run")
	}
}
