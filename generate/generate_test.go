package generate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// complete answers a prompt in a new session and checks what holds of every answer.
func complete(t *testing.T, m *zoo.Model, p *model.Prompt, capacity int, o generate.Options) *generate.Answer {
	t.Helper()
	vlm, _ := m.VLM()
	a, err := generate.Start(generate.NewSession(vlm, capacity, nil), m.Tokenizer, o)
	if err != nil {
		t.Fatal(err)
	}
	var joined string
	var ids []int32
	for token, err := range a.Tokens(context.Background(), p) {
		if err != nil {
			t.Fatal(err)
		}
		joined, ids = joined+token.Text, append(ids, token.ID)
		if !utf8.ValidString(token.Text) {
			t.Errorf("token %d ends inside a character: %q", token.ID, token.Text)
		}
	}
	if joined != a.Text || !slices.Equal(ids, a.IDs) {
		t.Errorf("tokens %v %q, and the answer is %v %q", ids, joined, a.IDs, a.Text)
	}
	return a
}

func TestGreedyAnswersAreTheReferences(t *testing.T) {
	m, _ := openStories(t)
	want, err := golden.Open(m.Files())
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	for i, c := range want.Cases {
		a := complete(t, m, &model.Prompt{IDs: c.InputIDs[0]}, 0, generate.Options{MaxTokens: len(c.Generated)})
		if !slices.Equal(a.IDs, c.Generated) {
			t.Errorf("case %d: %v, want %v", i, a.IDs, c.Generated)
		}
		if a.Reason != generate.TokenLimit {
			t.Errorf("case %d ended by %q", i, a.Reason)
		}
	}
}

func TestWhyAnAnswerEnds(t *testing.T) {
	m, _ := openStories(t)
	p := text(t, m, "Once upon a time")
	full := complete(t, m, p, 0, generate.Options{MaxTokens: 40})
	for _, c := range []struct {
		name     string
		capacity int
		o        generate.Options
		reason   generate.Reason
		tokens   int // 0: do not ask
		text     string
	}{
		{"limit", 0, generate.Options{MaxTokens: 3}, generate.TokenLimit, 3, m.Tokenizer.Decode(full.IDs[:3], true)},
		{"end token", 0, generate.Options{EOS: []int32{-7, full.IDs[4]}}, generate.EndToken, 5, m.Tokenizer.Decode(full.IDs[:4], true)},
		{"end token at the limit", 0, generate.Options{MaxTokens: 5, EOS: full.IDs[4:5]}, generate.EndToken, 5, m.Tokenizer.Decode(full.IDs[:4], true)},
		{"room for one", len(p.IDs), generate.Options{}, generate.FullContext, 1, m.Tokenizer.Decode(full.IDs[:1], true)},
		{"room for three", len(p.IDs) + 2, generate.Options{}, generate.FullContext, 3, m.Tokenizer.Decode(full.IDs[:3], true)},
		{"limit at the end of the context", len(p.IDs) + 2, generate.Options{MaxTokens: 3}, generate.TokenLimit, 3, m.Tokenizer.Decode(full.IDs[:3], true)},
		{"stop string", 0, generate.Options{Stop: []string{full.Text[9:14]}}, generate.StopText, 0, full.Text[:9]},
		{"first of two stop strings", 0, generate.Options{Stop: []string{full.Text[20:30], "", full.Text[9:14]}}, generate.StopText, 0, full.Text[:9]},
		{"stop string at once", 0, generate.Options{Stop: []string{full.Text[:1]}}, generate.StopText, 1, ""},
		{"stop string that never comes", 0, generate.Options{MaxTokens: 40, Stop: []string{full.Text[len(full.Text)-3:] + "#"}}, generate.TokenLimit, 40, full.Text},
	} {
		a := complete(t, m, p, c.capacity, c.o)
		if a.Reason != c.reason || c.tokens != 0 && len(a.IDs) != c.tokens || a.Text != c.text {
			t.Errorf("%s: %q, %d tokens, %q; want %q, %d, %q", c.name, a.Reason, len(a.IDs), a.Text, c.reason, c.tokens, c.text)
		}
	}
}

// TestTokensComeBeforeTheNextStep breaks off after three tokens, of which the
// last has not been run.
func TestTokensComeBeforeTheNextStep(t *testing.T) {
	m, vlm := openStories(t)
	p := text(t, m, "Once upon a time")
	s := generate.NewSession(vlm, 0, nil)
	a, err := generate.Start(s, m.Tokenizer, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range a.Tokens(context.Background(), p) {
		if len(a.IDs) == 3 {
			break
		}
	}
	if want := append(slices.Clone(p.IDs), a.IDs[:2]...); !slices.Equal(s.IDs(), want) || a.Reason != "" {
		t.Errorf("session %v, want %v; reason %q", s.IDs(), want, a.Reason)
	}
}

func TestCancelledAnswerLeavesTheSessionUsable(t *testing.T) {
	m, vlm := openStories(t)
	p := text(t, m, "Once upon a time")
	s := generate.NewSession(vlm, 0, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a, err := generate.Start(s, m.Tokenizer, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for token, err := range a.Tokens(ctx, p) {
		last = err
		if err != nil && token != (generate.Token{}) {
			t.Errorf("the error comes with %v", token)
		}
		if len(a.IDs) == 4 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || len(a.IDs) != 4 {
		t.Fatalf("%d tokens, error %v", len(a.IDs), last)
	}
	again := prefill(t, s, &model.Prompt{IDs: a.IDs[3:]})
	whole := append(slices.Clone(p.IDs), a.IDs...)
	near(t, "going on", again, prefill(t, generate.NewSession(vlm, 0, nil), &model.Prompt{IDs: whole}))
}

func TestStartChecksTheSampling(t *testing.T) {
	m, vlm := openStories(t)
	_, err := generate.Start(generate.NewSession(vlm, 0, nil), m.Tokenizer, generate.Options{Sampling: generate.Sampling{TopP: 3}})
	if err == nil || !strings.Contains(err.Error(), "top-p") {
		t.Errorf("error %v", err)
	}
}

func TestPromptErrorsReachTheCaller(t *testing.T) {
	m, vlm := openStories(t)
	a, err := generate.Start(generate.NewSession(vlm, 4, nil), m.Tokenizer, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range a.Tokens(context.Background(), text(t, m, "Once upon a time there was a very long prompt")) {
		if n++; err == nil {
			t.Error("no error")
		}
	}
	if n != 1 {
		t.Errorf("%d tokens", n)
	}
}
