package main

import (
	"context"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/fovea-ml/fovea/eval"
	page "github.com/fovea-ml/fovea/internal/watch"
	"github.com/fovea-ml/fovea/train"
)

const (
	askedSamples = 6  // on the page
	askedTokens  = 24 // of an answer
	askedShare   = 25 // answers take no more than one in so many seconds
	askedPause   = 3 * time.Second
)

// asking has the model answer the samples of the stage that runs, now and then.
type asking struct {
	samples [][]*train.Sample // of each stage
	askers  []*train.Asker
	stage   int // shown; -1 at first
	asked   int // the update of the answers that are shown
	took    time.Duration
	at      time.Time // when it was done
}

// newAsking opens the samples of all stages, before anybody else uses the data.
func newAsking(t *train.Trainer) (*asking, error) {
	a := &asking{stage: -1, asked: -1}
	for i := range t.Recipe.Stages {
		samples, err := t.Samples(i, askedSamples, askedTokens)
		if err != nil {
			return nil, err
		}
		a.samples = append(a.samples, samples)
		a.askers = append(a.askers, t.Asker(samples, askedTokens))
	}
	return a, nil
}

// due says whether to ask: at the beginning of a stage, and when enough time has passed.
func (a *asking) due(stage int) bool {
	return stage != a.stage || time.Since(a.at) > max(askedPause, askedShare*a.took)
}

// ask shows what the model answers to the samples of a stage after so many updates, and
// returns that as a table in Markdown; "" if it was asked already.
func (a *asking) ask(ctx context.Context, b *page.Board, stage, done int) (table string, err error) {
	if stage == a.stage && done == a.asked {
		return "", nil
	}
	if stage != a.stage {
		if err := b.Show(shown(a.samples[stage])); err != nil {
			return "", err
		}
	}
	began := time.Now()
	a.stage, a.asked = stage, done
	defer func() { a.at, a.took = time.Now(), time.Since(began) }()
	for i, s := range a.samples[stage] {
		text, err := a.askers[stage].Answer(ctx, s)
		if err != nil {
			return "", err
		}
		b.Answer(i, page.Said{Step: done, Text: text, Right: eval.Same(text, s.Answer)})
		table += fmt.Sprintf("| %s | %s | %s |\n", cellOf(s.Question), cellOf(s.Answer), cellOf(text))
	}
	return "| question | answer | model |\n|---|---|---|\n" + table, nil
}

// cellOf is a text as a cell of a table in Markdown.
func cellOf(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

func shown(samples []*train.Sample) []page.Sample {
	var all []page.Sample
	for _, s := range samples {
		one := page.Sample{Question: s.Question, Answer: s.Answer}
		for _, p := range s.Pictures {
			one.Pictures = append(one.Pictures, image.Image(p.Image()))
		}
		all = append(all, one)
	}
	return all
}
