package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// choice is one of the answers that ask --choose is given.
type choice struct {
	Text           string  `json:"text"`
	LogProbability float64 `json:"log_probability"` // with the end of the answer
	Probability    float64 `json:"probability"`     // among the choices
}

// choose prints how likely the model holds each of the given answers, the likeliest first.
func (c *askCmd) choose(ctx context.Context, g *globals, m *zoo.Model, vlm model.VLM) error {
	prompts, err := c.choices(m)
	if err != nil {
		return err
	}
	longest := 0
	for _, p := range prompts {
		longest = max(longest, len(p.Reads()))
	}
	pool := c.pool(g, m)
	defer pool.Close()
	s := generate.NewSession(vlm, longest, pool)
	all := make([]choice, len(prompts))
	for i, p := range prompts {
		score, err := s.Score(ctx, p)
		if err != nil {
			return fmt.Errorf("--choose %q: %w", c.Choose[i], err)
		}
		all[i] = choice{Text: c.Choose[i], LogProbability: score}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return cmp.Compare(b.LogProbability, a.LogProbability) })
	share(all)
	if c.JSON {
		return writeJSON(os.Stdout, all)
	}
	for _, a := range all {
		fmt.Printf("%6.2f %%  %s\n", 100*a.Probability, a.Text)
	}
	return nil
}

// choices are the conversation with each of the answers.
func (c *askCmd) choices(m *zoo.Model) ([]*model.Prompt, error) {
	if c.Raw {
		return nil, errors.New("--raw and --choose: answers are put where the chat template has them, so that there must be one to apply")
	}
	question, images, err := c.asked(m)
	if err != nil {
		return nil, err
	}
	out := make([]*model.Prompt, len(c.Choose))
	for i, answer := range c.Choose {
		conv := append(c.conversation(question, images), model.Turn{Role: "assistant", Text: answer})
		if out[i], err = m.Processor.Learn(conv); err != nil {
			return nil, fmt.Errorf("--choose %q: %w", answer, err)
		}
	}
	return out, nil
}

// share fills in the probabilities of choices of which the likeliest comes first.
func share(all []choice) {
	sum := 0.0
	for i := range all {
		all[i].Probability = math.Exp(all[i].LogProbability - all[0].LogProbability)
		sum += all[i].Probability
	}
	for i := range all {
		all[i].Probability /= sum
	}
}
