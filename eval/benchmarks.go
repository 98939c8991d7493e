package eval

import (
	"fmt"
	"iter"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// Scenes asks about procedural scenes of the evaluation split, which no
// training seed reaches. Captions are not asked: they have no short answer.
func Scenes(seed uint64, questions int) (Benchmark, error) {
	return ScenesLike(seed, questions, scenes.Options{})
}

// ScenesLike is Scenes with the kinds of questions, languages and numbers of objects of
// opts.
func ScenesLike(seed uint64, questions int, opts scenes.Options) (Benchmark, error) {
	const perScene = 6
	opts.Split, opts.Questions = scenes.Eval, perScene
	if opts.Types == nil {
		for _, t := range scenes.Types() {
			if t != scenes.Caption {
				opts.Types = append(opts.Types, t)
			}
		}
	}
	d, err := data.NewScenes(seed, (questions+perScene-1)/perScene, opts, data.ByQuestion)
	if err != nil {
		return nil, err
	}
	return &dataset{fmt.Sprintf("scenes, seed %d", seed), d, questions}, nil
}

// EasyVQA asks the questions of an easy-VQA folder such as its test split; most
// limits their number, 0 asks all.
func EasyVQA(dir string, most int) (Benchmark, error) {
	d, err := data.OpenEasyVQA(dir, data.ByQuestion, imageproc.Options{})
	if err != nil {
		return nil, err
	}
	if most == 0 || most > d.Len() {
		most = d.Len()
	}
	return &dataset{"easy-VQA, " + dir, d, most}, nil
}

// dataset makes a benchmark of a data set with one question in each sample.
type dataset struct {
	name string
	data data.Dataset
	n    int
}

func (d *dataset) Name() string { return d.name }

func (d *dataset) Len() int { return d.n }

func (d *dataset) Questions() iter.Seq2[Question, error] {
	return func(yield func(Question, error) bool) {
		for i := range d.n {
			q, err := d.question(i)
			if !yield(q, err) || err != nil {
				return
			}
		}
	}
}

func (d *dataset) question(i int) (Question, error) {
	s, err := d.data.At(i)
	if err != nil {
		return Question{}, err
	}
	conv, err := s.Conversation(s.Turns)
	if err != nil {
		return Question{}, err
	}
	q := Question{ID: s.ID, Want: conv[1].Text, Tags: []Tag{{"type", s.Meta[0].Type}, {"language", s.Meta[0].Lang}}}
	q.Conv = []model.Turn{conv[0]}
	return q, nil
}
