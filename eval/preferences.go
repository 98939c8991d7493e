package eval

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// PreferenceReport tells how a model ranks pairs of a better and a worse answer.
//
// Likelier is the share of pairs whose better answer the model gives with the greater
// probability. The others compare the model with itself without its adapter, as direct
// preference optimisation does (Rafailov et al. 2023, https://arxiv.org/abs/2305.18290):
// by how much the logarithm of the ratio of the two has grown, in the mean (Margin, in
// nats, not times beta), and in which share of pairs it has (Accuracy). They are 0 while an
// adapter has changed nothing, and for a model that has none.
type PreferenceReport struct {
	Pairs    int
	Likelier float64
	Accuracy float64
	Margin   float64
}

// Preferences ranks the right answers to questions about drawn scenes, which no training
// sees, against wrong ones of the same kind.
func Preferences(ctx context.Context, m *zoo.Model, seed uint64, pairs int, opts scenes.Options, pool *kernel.Pool) (*PreferenceReport, error) {
	opts.Split, opts.Questions = scenes.Eval, 1
	d, err := data.NewScenes(seed, pairs, opts, data.ByImage)
	if err != nil {
		return nil, err
	}
	vlm, ok := m.VLM()
	if !ok {
		return nil, fmt.Errorf("eval: %s: a %s does not answer questions", m.Name, m.Family.Architecture)
	}
	likelier, risen, sum := 0, 0, 0.0
	s := generate.NewSession(vlm, 0, pool)
	for i := range pairs {
		now, grown, err := prefers(ctx, m, s, d.Rejecting(), i)
		if err != nil {
			return nil, fmt.Errorf("eval: %s: pair %d: %w", m.Name, i+1, err)
		}
		sum += grown
		if now > 0 {
			likelier++
		}
		if grown > 0 {
			risen++
		}
	}
	n := float64(max(1, pairs))
	return &PreferenceReport{Pairs: pairs, Likelier: float64(likelier) / n, Accuracy: float64(risen) / n, Margin: sum / n}, nil
}

// prefers is the preference of a model for the better answer of a sample, and by how much its
// adapter has made it grow.
func prefers(ctx context.Context, m *zoo.Model, s *generate.Session, d data.Dataset, i int) (now, grown float64, err error) {
	sample, err := d.At(i)
	if err != nil {
		return 0, 0, err
	}
	conv, err := sample.Conversation(sample.Turns)
	if err != nil {
		return 0, 0, err
	}
	if now, err = preference(ctx, m.Processor, s, conv, sample.Rejected); err != nil || m.Adapter == nil {
		return now, 0, err
	}
	var before float64
	var failed error
	err = m.Adapter.Without(func() { before, failed = preference(ctx, m.Processor, s, conv, sample.Rejected) })
	return now, now - before, errors.Join(err, failed)
}

// preference is the logarithm of how much likelier the last answer of a conversation is
// than another one.
func preference(ctx context.Context, p model.Processor, s *generate.Session, conv []model.Turn, other string) (float64, error) {
	s.Truncate(0)
	worse := slices.Clone(conv)
	worse[len(conv)-1].Text = other
	var scores [2]float64
	for i, c := range [][]model.Turn{conv, worse} {
		prompt, err := p.Learn(c)
		if err == nil {
			scores[i], err = s.Score(ctx, prompt)
		}
		if err != nil {
			return 0, err
		}
	}
	return scores[0] - scores[1], nil
}
