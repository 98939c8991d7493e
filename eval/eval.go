// Package eval measures what a model knows: benchmarks ask questions whose right
// answers are known, a scorer compares, and a report tells the accuracy by kind
// of question with its confidence interval. Answers are greedy; nobody's
// judgement and no random choice enters a score.
package eval

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// Question is one item of a benchmark.
type Question struct {
	ID   string
	Conv []model.Turn // ends with the user's turn
	Want string
	Tags []Tag // what the report groups by
}

// Tag puts a question into a group, such as {"type", "count"}.
type Tag struct{ Group, Value string }

// Benchmark is a list of questions.
type Benchmark interface {
	Name() string
	Len() int
	Questions() iter.Seq2[Question, error]
}

// Options of a run.
type Options struct {
	Pool      *kernel.Pool
	MaxTokens int // of an answer; 0 means 16
	OnAnswer  func(Answer)
}

// Answer is what a model said to a question.
type Answer struct {
	ID    string `json:"id"`
	Tags  []Tag  `json:"-"`
	Want  string `json:"want"`
	Got   string `json:"got"`
	Right bool   `json:"right"`
}

// Run asks every question. The report's groups are in the order in which they came up.
func Run(ctx context.Context, m *zoo.Model, b Benchmark, o Options) (*Report, error) {
	vlm, ok := m.VLM()
	if !ok {
		return nil, fmt.Errorf("eval: %s: a %s does not answer questions", m.Name, m.Family.Architecture)
	}
	if o.MaxTokens == 0 {
		o.MaxTokens = 16
	}
	r := &Report{Benchmark: b.Name(), Model: m.Name, Kernel: kernel.Name()}
	s := generate.NewSession(vlm, 0, o.Pool)
	for q, err := range b.Questions() {
		if err != nil {
			return nil, fmt.Errorf("eval: %s: %w", b.Name(), err)
		}
		got, err := ask(ctx, m, s, q.Conv, o)
		if err != nil {
			return nil, fmt.Errorf("eval: %s: question %s: %w", b.Name(), q.ID, err)
		}
		a := Answer{ID: q.ID, Tags: q.Tags, Want: q.Want, Got: got, Right: Same(got, q.Want)}
		r.add(a)
		if o.OnAnswer != nil {
			o.OnAnswer(a)
		}
	}
	return r, nil
}

// ask answers one conversation in an emptied session.
func ask(ctx context.Context, m *zoo.Model, s *generate.Session, conv []model.Turn, o Options) (string, error) {
	p, err := m.Processor.Process(conv)
	if err != nil {
		return "", err
	}
	s.Truncate(0)
	a, err := generate.Start(s, m.Tokenizer, generate.Options{MaxTokens: o.MaxTokens, EOS: m.Generation.EOS})
	if err != nil {
		return "", err
	}
	for _, err := range a.Tokens(ctx, p) {
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(a.Text), nil
}

// Same compares a short answer with the right one, whatever their case, the
// space around them and a full stop at the end.
func Same(got, want string) bool { return canonical(got) == canonical(want) }

func canonical(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	return strings.TrimRight(s, ".。 ")
}
