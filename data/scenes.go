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

// Len returns the number of samples.
func (d *Scenes) Len() int {
	if d.group == ByImage {
		return d.n
	}
	return d.n * d.opts.Questions
}

// Fingerprint is made of all that the scenes are drawn from.
func (d *Scenes) Fingerprint() string {
	return fmt.Sprintf("scenes %d %d %d %+v", d.seed, d.n, d.group, d.opts)
}

// At returns sample i. Its error is always nil.
func (d *Scenes) At(i int) (*Sample, error) {
	mustHave("Scenes", i, d.Len())
	if d.group == ByImage {
		s := scenes.Generate(d.seed, i, d.opts)
		return sceneSample(s.ID, s, s.Questions), nil
	}
	s := scenes.Generate(d.seed, i/d.opts.Questions, d.opts)
	q := i % d.opts.Questions
	return sceneSample(fmt.Sprintf("%s-%d", s.ID, q), s, s.Questions[q:q+1]), nil
}

func sceneSample(id string, s *scenes.Scene, questions []scenes.Question) *Sample {
	sample := &Sample{ID: id, Images: []Picture{Drawn(func() (*imageproc.RGB, error) { return drawScene(s), nil })}}
	for _, q := range questions {
		sample.round(q.Text, q.Answer, string(q.Type), string(q.Lang))
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
