package eval

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
	"github.com/fovea-ml/fovea/zoo"
)

// usualContext bounds the windows of models with long contexts, unless asked otherwise.
const usualContext = 2048

// PerplexityOptions of a measurement.
type PerplexityOptions struct {
	Pool     *kernel.Pool
	Context  int                                         // tokens of a window; 0: the model's context, at most 2,048
	Stride   int                                         // tokens between the beginnings of windows; 0: half of Context
	OnWindow func(done, windows int, perplexity float64) // called before the first window and after each; may be nil
}

// Perplexity measures how well a model predicts a text: the exponential of the
// mean negative log-likelihood of its tokens, in the strided windows of
// https://huggingface.co/docs/transformers/perplexity.
//
// The text is encoded once, with the special tokens that the tokenizer puts
// around a text. Window k holds tokens k·Stride to k·Stride+Context-1, or to
// the end of the text, and the first window that reaches the end is the last.
// It scores the tokens that no earlier window held, each given all tokens before
// it in the window, but not its own first token: so the first of the text is not
// scored, nor, with Stride equal to Context, that of any window. All scored
// tokens have the same weight; the code of the page gives those of an
// overlapping window the weight of one token less.
//
// name is for messages and the report. Text that is empty, not UTF-8 or of a
// single token is an error, as is a window longer than the model's context.
func Perplexity(ctx context.Context, m *zoo.Model, name, text string, o PerplexityOptions) (*PerplexityReport, error) {
	r, err := perplexity(ctx, m, name, text, o)
	if err != nil {
		return nil, fmt.Errorf("eval: perplexity of %s: %w", name, err)
	}
	return r, nil
}

func perplexity(ctx context.Context, m *zoo.Model, name, text string, o PerplexityOptions) (*PerplexityReport, error) {
	vlm, ok := m.VLM()
	if !ok {
		return nil, fmt.Errorf("%s: a %s predicts no text", m.Name, m.Family.Architecture)
	}
	d := vlm.Decoder()
	if model.ReadsMemory(d) {
		return nil, fmt.Errorf("%s: a %s writes what its encoder has read: perplexity is of models that continue a text", m.Name, m.Family.Architecture)
	}
	if err := o.resolve(d.Context()); err != nil {
		return nil, err
	}
	ids, err := encode(m.Tokenizer, text, d.Vocab())
	if err != nil {
		return nil, err
	}
	s := newScorer(d, min(o.Context, len(ids)), o.Pool)
	plan := windows(len(ids), o.Context, o.Stride)
	o.OnWindow(0, len(plan), 1)
	for i, w := range plan {
		if err := s.window(ctx, ids[w.begin:w.end], w.from-w.begin); err != nil {
			return nil, err
		}
		o.OnWindow(i+1, len(plan), math.Exp(s.mean))
	}
	r := &PerplexityReport{Text: name, Model: m.Name, Kernel: kernel.Name(), Tokens: len(ids), Windows: len(plan), Context: o.Context, Stride: o.Stride}
	r.conclude(s)
	return r, nil
}

// resolve fills in what was left to us, for a model with a context of most tokens.
func (o *PerplexityOptions) resolve(most int) error {
	if o.Context == 0 {
		o.Context = min(most, usualContext)
	}
	if o.Context < 2 || o.Context > most {
		return fmt.Errorf("windows of %d tokens: want 2 to %d, the model's context", o.Context, most)
	}
	if o.Stride == 0 {
		o.Stride = o.Context / 2
	}
	if o.Stride < 1 || o.Stride > o.Context {
		return fmt.Errorf("a stride of %d tokens: want 1 to %d, the tokens of a window", o.Stride, o.Context)
	}
	if o.OnWindow == nil {
		o.OnWindow = func(int, int, float64) {}
	}
	return nil
}

// encode turns a text into at least two tokens of the vocabulary.
func encode(tok *tokenizer.Tokenizer, text string, vocab int) ([]int32, error) {
	if text == "" {
		return nil, fmt.Errorf("the text is empty")
	}
	if at := notText(text); at >= 0 {
		return nil, fmt.Errorf("byte %d is not UTF-8 text: is this a binary file?", at)
	}
	ids := tok.Encode(text)
	if len(ids) < 2 {
		return nil, fmt.Errorf("the text has %d token, want at least 2: the first is not predicted", len(ids))
	}
	for i, id := range ids {
		if id < 0 || int(id) >= vocab {
			return nil, fmt.Errorf("token %d is %d (%q), which is not in the model's vocabulary of %d", i, id, tok.Token(id), vocab)
		}
	}
	return ids, nil
}

// notText is the place of the first byte that no text has, or -1.
func notText(text string) int {
	if at := strings.IndexByte(text, 0); at >= 0 {
		return at
	}
	for at, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[at:]); n == 1 {
				return at
			}
		}
	}
	return -1
}

// window is a run of tokens that the model sees together.
type window struct {
	begin, end int
	from       int // the first token that it scores
}

// windows cuts n tokens; those that would score none are left out.
func windows(n, context, stride int) []window {
	var plan []window
	scored := 0
	for begin := 0; scored < n; begin += stride {
		w := window{begin: begin, end: min(begin+context, n), from: max(scored, begin+1)}
		scored = w.end
		if w.from < w.end {
			plan = append(plan, w)
		}
	}
	return plan
}
