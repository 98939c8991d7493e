package generate_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// search is an answer that the reference found.
type search struct {
	Model             string
	Case              int             // of the model's expected.json: the prompt
	Beams             int             `json:"num_beams"`
	LengthPenalty     *float64        `json:"length_penalty"`
	EarlyStopping     json.RawMessage `json:"early_stopping"`
	RepetitionPenalty float64         `json:"repetition_penalty"`
	MaxTokens         int             `json:"max_tokens"`
	EOS               []int32
	IDs               []int32
	Margin            float64 // between the scores of this answer and the second best
}

func (c *search) options() generate.Options {
	o := generate.Options{Beams: generate.Beams{Width: c.Beams, LengthPenalty: 1}, MaxTokens: c.MaxTokens, EOS: c.EOS}
	o.RepetitionPenalty = c.RepetitionPenalty
	if c.LengthPenalty != nil {
		o.Beams.LengthPenalty = *c.LengthPenalty
	}
	switch string(c.EarlyStopping) {
	case "true":
		o.Beams.Early = generate.StopFound
	case `"never"`:
		o.Beams.Early = generate.StopSurely
	}
	return o
}

// searches are those of a model. They were found by generate of transformers 5.24
// (torch 2.15, float32), with end tokens that occur in the models' greedy answers, so
// that answers of several lengths compete.
func searches(t *testing.T, of string) []search {
	t.Helper()
	data, err := os.ReadFile("testdata/beams.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []search
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(c search) bool { return c.Model != of })
}

// prompt is that of a case of a model's expected.json.
func prompt(t *testing.T, m *zoo.Model, c *golden.Case) *model.Prompt {
	t.Helper()
	var images []*imageproc.RGB
	for _, name := range c.Images {
		img, err := imageproc.OpenFile(filepath.Join(m.Name, name), imageproc.Options{})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	p, err := m.Processor.ProcessText(c.Prompt, images)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSearchFindsWhatTheReferenceFinds(t *testing.T) {
	for _, name := range []string{"stories260k", "llava15", "blip_caption", "blip_vqa", "blip2_t5"} {
		m, err := zoo.OpenDir("../testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		want, err := golden.Open(m.Files())
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		all := searches(t, name)
		for i, c := range all {
			a := complete(t, m, prompt(t, m, &want.Cases[c.Case]), 0, c.options())
			if !slices.Equal(a.IDs, c.IDs) {
				t.Errorf("%s, search %d: %+v\ngot  %v\nwant %v", name, i, c.options(), a.IDs, c.IDs)
			}
			ended := slices.Contains(c.EOS, a.IDs[len(a.IDs)-1])
			if ended != (a.Reason == generate.EndToken) || !ended && a.Reason != generate.TokenLimit {
				t.Errorf("%s, search %d ended by %q", name, i, a.Reason)
			}
		}
		if len(all) < 4 {
			t.Errorf("%s: %d searches", name, len(all))
		}
	}
}

// TestSearchLeavesTheSession as it was: the prompt in its cache, and nothing of an answer.
func TestSearchLeavesTheSession(t *testing.T) {
	m, vlm := openFixture(t)
	p := process(t, m, user("What is this?", picture(t, "image0.png")))
	s := generate.NewSession(vlm, 0, nil)
	o := generate.Options{Beams: generate.Beams{Width: 4, LengthPenalty: 1}, MaxTokens: 12}
	a, err := generate.Start(s, m.Tokenizer, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range a.Tokens(context.Background(), p) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(a.IDs) != 12 || !slices.Equal(s.IDs(), p.IDs) {
		t.Fatalf("an answer of %d tokens, and %d of the prompt's %d in the session", len(a.IDs), len(s.IDs()), len(p.IDs))
	}
	got := prefill(t, s, &model.Prompt{IDs: a.IDs})
	whole := *p
	whole.IDs = slices.Concat(p.IDs, a.IDs)
	near(t, "going on", got, prefill(t, generate.NewSession(vlm, 0, nil), &whole))
}

func TestSearchesOfOneBeamAreNone(t *testing.T) {
	m, _ := openStories(t)
	p := text(t, m, "Once upon a time")
	want := complete(t, m, p, 0, generate.Options{MaxTokens: 20})
	if got := complete(t, m, p, 0, generate.Options{MaxTokens: 20, Beams: generate.Beams{Width: 1}}); !slices.Equal(got.IDs, want.IDs) {
		t.Errorf("%v, want %v", got.IDs, want.IDs)
	}
}

func TestWhySearchesEnd(t *testing.T) {
	m, _ := openStories(t)
	p := text(t, m, "Once upon a time")
	beams := generate.Beams{Width: 3, LengthPenalty: 1}
	full := complete(t, m, p, len(p.IDs)+9, generate.Options{Beams: beams})
	if full.Reason != generate.FullContext || len(full.IDs) != 10 {
		t.Errorf("%d tokens, %q", len(full.IDs), full.Reason)
	}
	one := complete(t, m, p, len(p.IDs), generate.Options{Beams: beams})
	if one.Reason != generate.FullContext || len(one.IDs) != 1 {
		t.Errorf("without room %d tokens, %q", len(one.IDs), one.Reason)
	}
	cut := complete(t, m, p, len(p.IDs)+9, generate.Options{Beams: beams, Stop: []string{full.Text[6:9]}})
	if cut.Reason != generate.StopText || cut.Text != full.Text[:6] {
		t.Errorf("%q ends by %q", cut.Text, cut.Reason)
	}
}

func TestCancelledSearch(t *testing.T) {
	m, vlm := openStories(t)
	s := generate.NewSession(vlm, 0, nil)
	ctx, cancel := context.WithCancel(context.Background())
	p := text(t, m, "Once upon a time")
	logits := prefill(t, s, p)
	a, err := generate.Start(s, m.Tokenizer, generate.Options{Beams: generate.Beams{Width: 2}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for _, err = range a.From(ctx, logits) {
	}
	if !errors.Is(err, context.Canceled) || !slices.Equal(s.IDs(), p.IDs) {
		t.Errorf("error %v, %d tokens in the session", err, len(s.IDs()))
	}
}

// TestSearchWithoutProbabilities is about models that went wrong.
func TestSearchWithoutProbabilities(t *testing.T) {
	m, vlm := openStories(t)
	s := generate.NewSession(vlm, 0, nil)
	logits := prefill(t, s, text(t, m, "Once"))
	for i := range logits {
		logits[i] = float32(math.NaN())
	}
	a, err := generate.Start(s, m.Tokenizer, generate.Options{Beams: generate.Beams{Width: 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, err = range a.From(context.Background(), logits) {
	}
	if err == nil || !strings.Contains(err.Error(), "no logit is a number") {
		t.Errorf("error %v", err)
	}
}

func TestBeamOptions(t *testing.T) {
	m, vlm := openStories(t)
	for want, o := range map[string]generate.Options{
		"beams are -1":          {Beams: generate.Beams{Width: -1}},
		"beams are 2000":        {Beams: generate.Beams{Width: 2000}},
		"length penalty is NaN": {Beams: generate.Beams{LengthPenalty: math.NaN()}},
		"draws nothing":         {Beams: generate.Beams{Width: 3}, Sampling: generate.Sampling{Temperature: 0.5}},
	} {
		_, err := generate.Start(generate.NewSession(vlm, 0, nil), m.Tokenizer, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
