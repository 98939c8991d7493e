package data

import (
	"fmt"

	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/imageproc"
)

// Scenes is a data set of procedural scenes, made when asked for: no files.
type Scenes struct {
	seed  uint64
	n     int
	opts  scenes.Options
	group Group

	rejected bool
}

// NewScenes returns the first n scenes of a seed. Grouped by question it has
// n × opts.Questions samples, by image n.
func NewScenes(seed uint64, n int, opts scenes.Options, group Group) (*Scenes, error) {
	if err := opts.Check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if n < 0 {
		return nil, fmt.Errorf("data: %d scenes", n)
	}
	return &Scenes{seed: seed, n: n, opts: opts.WithDefaults(), group: group}, nil
}

// Rejecting gives samples a Rejected answer: a wrong one to their last question.
func (d *Scenes) Rejecting() *Scenes {
	out := *d
	out.rejected = true
	return &out
}

// Len returns the number of samples.
func (d *Scenes) Len() int {
	if d.group == ByImage {
		return d.n
	}
	return d.n * d.opts.Questions
}

// Fingerprint is made of all that the scenes are drawn from.
func (d *Scenes) Fingerprint() string {
	name := "scenes"
	if d.rejected {
		name = "scenes with rejected answers"
	}
	return fmt.Sprintf("%s %d %d %d %+v", name, d.seed, d.n, d.group, d.opts)
}

// At returns sample i. Its error is always nil.
func (d *Scenes) At(i int) (*Sample, error) {
	mustHave("Scenes", i, d.Len())
	if d.group == ByImage {
		s := scenes.Generate(d.seed, i, d.opts)
		return d.sample(s.ID, s, 0, len(s.Questions)), nil
	}
	s := scenes.Generate(d.seed, i/d.opts.Questions, d.opts)
	q := i % d.opts.Questions
	return d.sample(fmt.Sprintf("%s-%d", s.ID, q), s, q, q+1), nil
}

// sample asks the questions of a scene from one up to another.
func (d *Scenes) sample(id string, s *scenes.Scene, from, to int) *Sample {
	sample := &Sample{ID: id, Images: []Picture{Drawn(func() (*imageproc.RGB, error) { return drawScene(s), nil })}}
	for _, q := range s.Questions[from:to] {
		sample.round(q.Text, q.Answer, string(q.Type), string(q.Lang))
	}
	if d.rejected {
		sample.Rejected = s.Wrong(to - 1)
	}
	return sample
}

func drawScene(s *scenes.Scene) *imageproc.RGB {
	img := s.Image()
	out := imageproc.NewRGB(s.Side, s.Side)
	for i := range s.Side * s.Side {
		copy(out.Pix[3*i:3*i+3], img.Pix[4*i:])
	}
	return out
}

// round appends a question and its one right answer.
func (s *Sample) round(question, answer, kind, lang string) {
	s.Turns = append(s.Turns, Turn{Role: User, Text: question}, Turn{Role: Assistant, Text: answer})
	s.Meta = append(s.Meta, Meta{Type: kind, Lang: lang, Answers: []string{answer}})
}

// mustHave panics if a data set of n samples has no sample i.
func mustHave(what string, i, n int) {
	if i < 0 || i >= n {
		panic(fmt.Sprintf("data: %s: sample %d of %d", what, i, n))
	}
}
