package train

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// Sample is a question of a run's data that people look at while the model learns.
type Sample struct {
	Pictures []*imageproc.RGB
	Question string
	Answer   string // the right one

	prompt *model.Prompt
}

// Samples returns up to n questions: of the recipe's Watch if it has one, else of the
// data of a stage, as far apart there as they can be, the same ones every time.
// Those that leave no room for an answer of so many tokens are passed over. A stage
// that teaches no answers has none. It must not be called while Run is under way.
func (t *Trainer) Samples(stage, n, answer int) ([]*Sample, error) {
	proc := t.stages[stage].proc
	if proc == nil || t.vlm == nil {
		return nil, nil
	}
	sets, err := t.asked(stage)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	total := 0
	for _, s := range sets {
		total += s.Len()
	}
	var out []*Sample
	n = min(n, total)
	for k := range n {
		for at := k * total / n; at < (k+1)*total/n && at < k*total/n+mostTries; at++ {
			s, err := sampleOf(sets, at, k, proc)
			if err != nil {
				return nil, fmt.Errorf("train: %w", err)
			}
			if s != nil && len(s.prompt.Reads())+answer <= t.vlm.Decoder().Context() {
				out = append(out, s)
				break
			}
		}
	}
	return out, nil
}

// asked are the sources of the questions.
func (t *Trainer) asked(stage int) (sets []*source, err error) {
	if t.Recipe.Watch == nil {
		return t.sets[stage], nil
	}
	if t.watch == nil {
		if t.watch, err = t.Recipe.Watch.open(t.Recipe.Strict); err != nil {
			return nil, fmt.Errorf("watch: %w", err)
		}
	}
	return []*source{t.watch}, nil
}

// mostTries bounds the search for a sample that can be asked.
const mostTries = 20

// sampleOf makes a question of sample i of all sets, nil if it has none.
func sampleOf(sets []*source, i, round int, proc model.Processor) (*Sample, error) {
	for _, s := range sets {
		if i >= s.Len() {
			i -= s.Len()
			continue
		}
		conv, err := s.ask(i, round)
		if err != nil || conv == nil {
			return nil, err
		}
		last := len(conv) - 1
		p, err := proc.Process(conv[:last])
		if err != nil {
			return nil, err
		}
		question := strings.TrimSpace(strings.ReplaceAll(conv[last-1].Text, data.Marker, ""))
		return &Sample{model.Pictures(conv), question, conv[last].Text, p}, nil
	}
	return nil, nil
}

// ask is sample i with one of its questions, as if it were the first; the first one
// where questions lean on each other. Its pictures are as they are in the data.
func (s *source) ask(i, round int) ([]model.Turn, error) {
	sample, err := s.At(i)
	if err != nil {
		return nil, err
	}
	turns := s.draw(sample, rand.New(rand.NewPCG(0, uint64(i))))
	first := 0
	if len(turns) > 0 && turns[0].Role == data.System {
		first = 1
	}
	rounds := (len(turns) - first) / 2
	if rounds == 0 {
		return nil, nil
	}
	if placesPictures(sample) {
		round = 0
	}
	at := first + 2*(round%rounds)
	one := append(turns[:first:first], turns[at:at+2]...)
	return sample.Conversation(one)
}

// Asker answers samples with the model of a run as it is at that moment.
type Asker struct {
	t       *Trainer
	session *generate.Session
	tokens  int
}

// Asker makes room for the longest of the samples and an answer of so many tokens; it
// is nil if there are no samples.
func (t *Trainer) Asker(samples []*Sample, answer int) *Asker {
	if len(samples) == 0 {
		return nil
	}
	longest := 0
	for _, s := range samples {
		longest = max(longest, len(s.prompt.Reads()))
	}
	return &Asker{t, generate.NewSession(t.vlm, longest+answer, t.ctx.Pool), answer}
}

// Answer is the model's answer, greedily. It is called from OnStep or while Run is
// not under way, since a model serves one goroutine, and leaves no trace in the run.
func (a *Asker) Answer(ctx context.Context, s *Sample) (string, error) {
	a.session.Truncate(0)
	g, err := generate.Start(a.session, a.t.Model.Tokenizer, generate.Options{MaxTokens: a.tokens, EOS: a.t.Model.Generation.EOS})
	if err != nil {
		return "", err
	}
	for _, err := range g.Tokens(ctx, s.prompt) {
		if err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(g.Text), nil
}
