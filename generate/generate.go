package generate

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Options say how an answer is made and when it ends.
type Options struct {
	Sampling
	Beams     Beams
	MaxTokens int      // of the answer; 0 or less: as many as the context holds
	EOS       []int32  // tokens that end the answer
	Stop      []string // texts that end the answer and are not part of it
	Special   bool     // keep special tokens in the text
	Begun     []int32  // tokens of the prompt that the answer's text begins with
}

// Token is one step of an answer.
type Token struct {
	ID   int32
	Text string // what the token adds to the text: whole characters, maybe none
}

// Reason says why an answer ended.
type Reason string

// Why an answer ended.
const (
	EndToken    Reason = "stop"           // an end token
	StopText    Reason = "stop_string"    // a stop string
	TokenLimit  Reason = "length"         // Options.MaxTokens
	FullContext Reason = "context_length" // no room in the KV cache
)

// Answer is a running generation.
type Answer struct {
	IDs    []int32 // chosen so far, an end token included
	Text   string  // so far
	Reason Reason  // once it has ended

	s   *Session
	tok *tokenizer.Tokenizer
	o   Options
}

// Start prepares an answer to a prompt, which runs behind what the session
// has seen.
func Start(s *Session, tok *tokenizer.Tokenizer, o Options) (*Answer, error) {
	if err := cmp.Or(o.Check(), o.Beams.check(o.Sampling)); err != nil {
		return nil, err
	}
	return &Answer{s: s, tok: tok, o: o}, nil
}

// Tokens runs the prompt and yields the answer as it is made. The text of the
// tokens, joined, is Answer.Text. It ends at an end token, a stop string, a limit,
// or with an error, which comes with no token; a cancelled context is one. The
// last token is not in the session's cache then, nor are those behind a break.
func (a *Answer) Tokens(ctx context.Context, p *model.Prompt) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		logits, err := a.s.Prefill(ctx, p)
		if err != nil {
			yield(Token{}, err)
			return
		}
		a.run(ctx, logits, yield)
	}
}

// run samples and steps until the answer ends. Each token is yielded before the
// step that follows it runs.
func (a *Answer) run(ctx context.Context, logits []float32, yield func(Token, error) bool) {
	if a.o.Beams.Width > 1 {
		a.runBeams(ctx, logits, yield)
		return
	}
	sampler := NewSampler(a.o.Sampling, a.s.IDs())
	text := newTail(a.tok, a.o)
	for {
		t := a.take(sampler.Next(logits), text)
		if !yield(t, nil) || a.Reason != "" {
			return
		}
		var err error
		if logits, err = a.next(ctx, t.ID); err != nil {
			yield(Token{}, err)
			return
		}
	}
}

// runBeams yields the tokens of the likeliest answer once it has been found.
func (a *Answer) runBeams(ctx context.Context, logits []float32, yield func(Token, error) bool) {
	ids, err := a.s.search(ctx, logits, a.o)
	if err != nil {
		yield(Token{}, err)
		return
	}
	text := newTail(a.tok, a.o)
	for i, id := range ids {
		if i == len(ids)-1 && a.Reason == "" && !slices.Contains(a.o.EOS, id) && len(ids) != a.o.MaxTokens {
			a.Reason = FullContext
		}
		if t := a.take(id, text); !yield(t, nil) || a.Reason != "" {
			return
		}
	}
}

// take adds a chosen token to the answer and decides whether it is the last.
func (a *Answer) take(id int32, text *tail) Token {
	a.IDs = append(a.IDs, id)
	t := Token{ID: id}
	var stopped bool
	switch {
	case slices.Contains(a.o.EOS, id):
		a.Reason = EndToken
	default:
		t.Text, stopped = text.next(id)
		switch {
		case stopped:
			a.Reason = StopText
		case a.o.MaxTokens > 0 && len(a.IDs) >= a.o.MaxTokens:
			a.Reason = TokenLimit
		case a.s.Room() == 0:
			a.Reason = FullContext
		}
	}
	if a.Reason != "" && !stopped {
		t.Text += text.flush()
	}
	a.Text += t.Text
	return t
}

func (a *Answer) next(ctx context.Context, id int32) ([]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return a.s.Step(id)
}
