package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/tokenizer"
)

type dataValidateCmd struct {
	dataFlags
	Model string `help:"Checkpoint directory whose tokenizer counts tokens, instead of the model in the binary." placeholder:"DIR"`
	JSON  bool   `name:"json" help:"Print the report as JSON."`
	List  int    `help:"How many problems are listed." default:"20" placeholder:"N"`
	Quiet bool   `help:"Show no progress."`
}

func (dataValidateCmd) Help() string {
	return `Reads every sample and decodes every picture. Lists what is broken with file, row and
reason, and tells how long samples are and how large pictures. Fails if something is broken;
pictures that are only absent from the cache are counted.

Examples:

    fovea data validate llava_v1_5_mix665k.json --images images
    fovea data validate llava.json --images images --mentions norm01,padded
    fovea data validate 'shards/{00000..00009}.tar' --json
    fovea data validate obelics.parquet --cache pictures --model models/qwen2-vl`
}

// Run checks a data set.
func (c *dataValidateCmd) Run(g *globals) error {
	count, err := c.tokens()
	if err != nil {
		return err
	}
	d, err := c.open()
	if err != nil {
		return err
	}
	p := newProgress(0, d.Len(), c.Quiet || d.Len() < fewSamples)
	r, err := data.Check(d, data.CheckOptions{Tokens: count, Workers: g.workers(), Done: func(n int) { p.at(n, "samples") }})
	p.end()
	if err := errors.Join(err, d.Close()); err != nil {
		return err
	}
	if c.Strict && len(r.Problems) > 0 {
		return r.Problems[0]
	}
	if c.JSON {
		err = writeJSON(os.Stdout, r)
	} else {
		err = c.table(r)
	}
	switch n := r.Count(); {
	case err != nil:
		return err
	case n > 0:
		return fmt.Errorf("%s: %d problems", c.Path, n)
	}
	return nil
}

// tokens is what counts tokens.
func (c *dataValidateCmd) tokens() (func(text string) int, error) {
	var t *tokenizer.Tokenizer
	if c.Model != "" {
		opened, err := tokenizer.Open(c.Model)
		if err != nil {
			return nil, err
		}
		t = opened
	} else {
		m, err := modelFlags{}.openModel()
		if err != nil {
			return nil, err
		}
		defer m.Close()
		t = m.Tokenizer
	}
	return func(text string) int { return len(t.Encode(text, tokenizer.Bare)) }, nil
}

// table prints the report.
func (c *dataValidateCmd) table(r *data.Report) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "format\t%s\nsamples\t%d, %d of them documents\n", r.Format, r.Samples, r.Documents)
	for _, name := range slices.Sorted(maps.Keys(r.Types)) {
		fmt.Fprintf(t, "of type %.80q\t%d\n", name, r.Types[name])
	}
	fmt.Fprintf(t, "pictures\t%d, %d broken, %d absent from the cache\n", r.Pictures, r.BrokenPictures, r.AbsentPictures)
	fmt.Fprintf(t, "boxes\t%d, %d outside of their pictures\n", r.Boxes, r.BoxesOutside)
	fmt.Fprintf(t, "broken rows\t%d\n", r.BrokenRows)
	fmt.Fprintf(t, "\nof a sample\tleast\tmedian\t95 %%\tmost\tmean\n")
	for _, row := range []struct {
		name string
		s    data.Spread
	}{{"turns", r.Turns}, {"pictures", r.Images}, {"tokens of text", r.Tokens}, {"width of a picture", r.Width}, {"height of a picture", r.Height}} {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.1f\n", row.name, row.s.Min, row.s.Median, row.s.P95, row.s.Max, row.s.Mean)
	}
	if err := t.Flush(); err != nil || len(r.Problems) == 0 {
		return err
	}
	fmt.Println()
	for _, p := range r.Problems[:min(c.List, len(r.Problems))] {
		fmt.Fprintf(t, "%s:%d\t%s\t%s\n", filepath.Base(p.File), p.Row, p.ID, oneLine(p.Err))
	}
	if n := r.Count() - c.List; n > 0 {
		fmt.Fprintf(t, "and %d more\n", n)
	}
	return t.Flush()
}
