package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/eval"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/train"
	"github.com/fovea-ml/fovea/zoo"
)

// measurer does what the stages of a recipe measure.
func measurer(pool *kernel.Pool) func(context.Context, *zoo.Model, train.Measure) ([]train.Metric, error) {
	return func(ctx context.Context, m *zoo.Model, what train.Measure) ([]train.Metric, error) {
		switch what.Benchmark {
		case "perplexity":
			return measurePerplexity(ctx, pool, m, what)
		case "preferences":
			return measurePreferences(ctx, pool, m, what)
		case "retrieval":
			return measureRetrieval(ctx, pool, m, what)
		}
		b, err := benchmark(what)
		if err != nil {
			return nil, err
		}
		r, err := eval.Run(ctx, m, b, eval.Options{Pool: pool})
		if err != nil {
			return nil, err
		}
		return []train.Metric{{Name: "accuracy", Value: r.All.Accuracy}}, nil
	}
}

func benchmark(what train.Measure) (eval.Benchmark, error) {
	if what.Benchmark == "easy-vqa" {
		return eval.EasyVQA(what.Path, what.Count)
	}
	return eval.ScenesLike(what.Seed, what.Count, scenesOf(what))
}

// scenesOf are the scenes that a measure asks about.
func scenesOf(what train.Measure) scenes.Options {
	opts := scenes.Options{Objects: what.Objects}
	for _, t := range what.Types {
		opts.Types = append(opts.Types, scenes.Type(t))
	}
	for _, l := range what.Langs {
		opts.Langs = append(opts.Langs, scenes.Lang(l))
	}
	return opts
}

func measurePreferences(ctx context.Context, pool *kernel.Pool, m *zoo.Model, what train.Measure) ([]train.Metric, error) {
	r, err := eval.Preferences(ctx, m, what.Seed, what.Count, scenesOf(what), pool)
	if err != nil {
		return nil, err
	}
	return []train.Metric{{Name: "likelier", Value: r.Likelier}, {Name: "accuracy", Value: r.Accuracy}, {Name: "margin", Value: r.Margin}}, nil
}

func measurePerplexity(ctx context.Context, pool *kernel.Pool, m *zoo.Model, what train.Measure) ([]train.Metric, error) {
	name, text := eval.Alice()
	if what.Text != "" {
		var err error
		if text, err = readText(what.Text); err != nil {
			return nil, err
		}
		name = what.Text
	}
	r, err := eval.Perplexity(ctx, m, name, text, eval.PerplexityOptions{Pool: pool, Context: what.Context})
	if err != nil {
		return nil, err
	}
	return []train.Metric{{Name: "perplexity", Value: r.Perplexity}}, nil
}

// measureRetrieval finds out how often a picture's text comes first, and a text's picture.
func measureRetrieval(ctx context.Context, pool *kernel.Pool, m *zoo.Model, what train.Measure) ([]train.Metric, error) {
	c := evalRetrievalCmd{Seed: what.Seed, Count: what.Count, Lang: string(scenes.English), Data: what.Path}
	if what.Path != "" {
		c.Limit = what.Count
	}
	gallery, done, err := c.gallery()
	if err != nil {
		return nil, err
	}
	r, err := eval.Retrieval(ctx, m, gallery, eval.RetrievalOptions{Pool: pool})
	if err := errors.Join(err, done()); err != nil {
		return nil, err
	}
	var out []train.Metric
	for _, d := range []struct {
		name string
		all  []eval.Recall
	}{{"text", r.Likeness.Texts}, {"picture", r.Likeness.Pictures}} {
		for _, one := range d.all {
			out = append(out, train.Metric{Name: fmt.Sprintf("%s recall@%d", d.name, one.K), Value: one.Accuracy})
		}
	}
	return out, nil
}

// writeMeasured prints what stages have changed.
func writeMeasured(w io.Writer, rows []train.Measured) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "stage\tupdates\tmeasure\tbefore\tafter\t")
	for _, r := range rows {
		for i, after := range r.After {
			before := "-"
			if i < len(r.Before) {
				before = metricText(r.Before[i])
			}
			fmt.Fprintf(t, "%s\t%d\t%s %s\t%s\t%s\t%s\n", r.Stage, r.Updates, r.Measure.Name(), after.Name, before, metricText(after), limitText(r))
		}
	}
	return t.Flush()
}

func metricText(m train.Metric) string {
	if m.Name == "perplexity" || m.Name == "margin" {
		return fmt.Sprintf("%.3f", m.Value)
	}
	return fmt.Sprintf("%.1f %%", 100*m.Value)
}

// limitText tells what a forgetting gate compares.
func limitText(r train.Measured) string {
	switch {
	case r.Measure.Benchmark != "perplexity" || len(r.Before) == 0:
		return ""
	case r.Most > 0:
		return fmt.Sprintf("× %.3f, at most %v", r.Ratio(), r.Most)
	}
	return fmt.Sprintf("× %.3f", r.Ratio())
}
