package eval_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/eval"
	"github.com/fovea-ml/fovea/zoo"
)

func open(t *testing.T, fixture string) *zoo.Model {
	t.Helper()
	m, err := zoo.OpenDir("../testdata/" + fixture)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// TestPerplexity compares with transformers 4.51.3 in float32, which encoded the
// same text and ran the windows of its page about perplexity: for each,
//
//	logits = model(ids[:, begin:end]).logits[0, :-1]
//	cross_entropy(logits.double(), targets, reduction="none")[targets != -100]
//
// with targets of -100 in front of the tokens that are new in the window. The
// expectations are the mean of all of them, and their deviation over √scored.
func TestPerplexity(t *testing.T) {
	name, alice := eval.Alice()
	for _, c := range []struct {
		fixture                 string
		text                    string
		context, stride         int
		tokens, scored, windows int
		nll, stdErr             float64
	}{
		{"stories260k", alice, 0, 0, 7923, 7922, 30, 2.971934345, 0.030165322}, // 512 and 256
		{"stories260k", alice[:2005], 512, 512, 1045, 1042, 3, 2.917832762, 0.083285612},
		{"stories260k", alice[:2005], 100, 37, 1045, 1044, 27, 2.919890961, 0.083270899},
		{"stories260k", alice[:2005], 300, 300, 1045, 1041, 4, 2.919310118, 0.083715017},
		{"qwen2", alice[:2005], 256, 128, 1224, 1223, 9, 7.629361413, 0.048630335},
	} {
		windows := -1
		o := eval.PerplexityOptions{Context: c.context, Stride: c.stride, OnWindow: func(done, of int, ppl float64) {
			windows++
			if done != windows || of != c.windows || (ppl > 1) != (done > 0) {
				t.Errorf("window %d of %d, perplexity %v", done, of, ppl)
			}
		}}
		r, err := eval.Perplexity(context.Background(), open(t, c.fixture), name, c.text, o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Tokens != c.tokens || r.Scored != c.scored || r.Windows != c.windows || windows != c.windows {
			t.Errorf("%s, %d/%d: %+v, %d windows seen", c.fixture, c.context, c.stride, r, windows)
		}
		if math.Abs(r.NLL-c.nll) > 2e-6 || math.Abs(r.StdErr-c.stdErr) > 1e-6 {
			t.Errorf("%s, %d/%d: %.9f ± %.9f, want %.9f ± %.9f", c.fixture, c.context, c.stride, r.NLL, r.StdErr, c.nll, c.stdErr)
		}
		for want, got := range map[float64]float64{r.NLL: r.Perplexity, r.NLL - 1.959964*r.StdErr: r.Low, r.NLL + 1.959964*r.StdErr: r.High} {
			if math.Abs(math.Log(got)-want) > 1e-6 {
				t.Errorf("log %v is not %v", got, want)
			}
		}
	}
}

// TestPerplexityOfChance is that of a model that gives one token of 608 a logit of 1, the others 0.
func TestPerplexityOfChance(t *testing.T) {
	m := stub(t)
	yes := m.Tokenizer.Token(m.Net.(speaking).yes)
	r, err := eval.Perplexity(context.Background(), m, "x", strings.Repeat(yes, 3)+"!", eval.PerplexityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := math.E
	if r.Tokens < 4 || r.Perplexity > 607+e || r.Perplexity < (607+e)/e || r.Model != "parrot" || r.Context != 256 || r.Stride != 128 {
		t.Errorf("%+v", r)
	}
}

func TestPerplexityErrors(t *testing.T) {
	m := stub(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	broken, small := stub(t), stub(t)
	broken.Net, small.Net = lost{m.Net.(speaking), 608}, lost{m.Net.(speaking), 3}
	plain := open(t, "qwen2") // nothing is put before its texts
	for name, c := range map[string]struct {
		ctx  context.Context
		m    *zoo.Model
		text string
		o    eval.PerplexityOptions
		want string
	}{
		"empty":       {text: "", want: "eval: perplexity of file: the text is empty"},
		"binary":      {text: "ab\xffc", want: "byte 2 is not UTF-8 text"},
		"zero":        {text: "ab\x00c", want: "byte 2 is not UTF-8 text"},
		"one token":   {m: plain, text: "a", want: "the text has 1 token, want at least 2"},
		"context":     {text: "abc", o: eval.PerplexityOptions{Context: 257}, want: "windows of 257 tokens: want 2 to 256"},
		"no context":  {text: "abc", o: eval.PerplexityOptions{Context: 1}, want: "windows of 1 tokens"},
		"negative":    {text: "abc", o: eval.PerplexityOptions{Context: -1}, want: "windows of -1 tokens"},
		"gaps":        {text: "abc", o: eval.PerplexityOptions{Context: 8, Stride: 9}, want: "a stride of 9 tokens: want 1 to 8"},
		"back":        {text: "abc", o: eval.PerplexityOptions{Stride: -1}, want: "a stride of -1 tokens"},
		"cancelled":   {ctx: cancelled, text: "abc", want: "context canceled"},
		"not a model": {m: &zoo.Model{Name: "x", Net: 1, Family: zoo.Family{Architecture: "CLIPModel"}}, text: "abc", want: "predicts no text"},
		"vocabulary":  {m: small, text: "abc", want: "which is not in the model's vocabulary of 3"},
		"no numbers":  {m: broken, text: "abc", want: "log-likelihood of NaN"},
	} {
		if c.ctx == nil {
			c.ctx = context.Background()
		}
		if c.m == nil {
			c.m = m
		}
		if _, err := eval.Perplexity(c.ctx, c.m, "file", c.text, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
