package main

import (
	"fmt"
	"iter"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/eval"
)

// benchmark asks the first questions of a data set that has one a sample and
// knows the answers.
type benchmark struct {
	name  string
	data  data.Dataset
	limit int
}

func (b *benchmark) Name() string { return b.name }

func (b *benchmark) Len() int { return min(b.limit, b.data.Len()) }

func (b *benchmark) Questions() iter.Seq2[eval.Question, error] {
	return func(yield func(eval.Question, error) bool) {
		for i := range b.Len() {
			q, err := question(b.data, i)
			if !yield(q, err) || err != nil {
				return
			}
		}
	}
}

func question(d data.Dataset, i int) (eval.Question, error) {
	s, err := d.At(i)
	if err != nil {
		return eval.Question{}, err
	}
	last := len(s.Turns) - 1
	if len(s.Meta) != 1 || last < 1 {
		return eval.Question{}, fmt.Errorf("sample %s has no single question", s.ID)
	}
	conv, err := s.Conversation(s.Turns[:last])
	return eval.Question{
		ID: s.ID, Conv: conv, Want: s.Meta[0].Answers[0],
		Tags: []eval.Tag{{Group: "type", Value: s.Meta[0].Type}, {Group: "language", Value: s.Meta[0].Lang}},
	}, err
}
