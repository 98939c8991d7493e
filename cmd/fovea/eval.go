package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/fovea-ml/fovea/eval"
)

type evalCmd struct {
	Scenes  evalScenesCmd  `cmd:"" help:"Questions about drawn scenes that no model was trained on."`
	EasyVQA evalEasyVQACmd `cmd:"" name:"easy-vqa" help:"The easy-VQA data set (github.com/vzhou842/easy-VQA)."`

	Retrieval  evalRetrievalCmd  `cmd:"" help:"How often a picture finds its text, and a text its picture."`
	Perplexity evalPerplexityCmd `cmd:"" help:"How well the model predicts a text."`
}

// reportFlags are those of every measurement.
type reportFlags struct {
	modelFlags
	computeFlags
	JSON  bool `name:"json" help:"Print the report as JSON."`
	Quiet bool `help:"Show no progress." short:"q"`
}

// evalFlags are those of every benchmark.
type evalFlags struct {
	reportFlags
	Errors string `help:"Write every wrong answer to FILE, one JSON object a line." placeholder:"FILE"`
}

type evalScenesCmd struct {
	Seed  uint64 `help:"Seed of the scenes, in a namespace of its own: training never sees them." default:"1" placeholder:"N"`
	Count int    `help:"Number of questions." default:"2000" placeholder:"N"`
	evalFlags
}

func (evalScenesCmd) Help() string {
	return `Accuracy by kind of question and language, with 95 % Wilson intervals. An answer
is right if it equals the expected one but for case, space and a final full stop.

Examples:

    fovea eval scenes --model runs/fovea-tiny/model --seed 1 --count 2000
    fovea eval scenes --json --errors wrong.jsonl`
}

func (c *evalScenesCmd) Run(ctx context.Context, g *globals) error {
	if c.Count < 1 {
		return fmt.Errorf("--count is %d, want at least 1", c.Count)
	}
	b, err := eval.Scenes(c.Seed, c.Count)
	if err != nil {
		return err
	}
	return c.run(ctx, g, b)
}

type evalEasyVQACmd struct {
	Data  string `help:"Folder with questions.json and images/." required:"" placeholder:"DIR"`
	Limit int    `help:"Ask only the first N questions; 0 asks all." default:"0" placeholder:"N"`
	evalFlags
}

func (evalEasyVQACmd) Help() string {
	return `Examples:

    fovea eval easy-vqa --model runs/easy-vqa/model --data easy-vqa/val`
}

func (c *evalEasyVQACmd) Run(ctx context.Context, g *globals) error {
	b, err := eval.EasyVQA(c.Data, max(c.Limit, 0))
	if err != nil {
		return err
	}
	return c.run(ctx, g, b)
}

// run asks the questions and prints the report.
func (f *evalFlags) run(ctx context.Context, g *globals, b eval.Benchmark) (err error) {
	m, _, err := f.openGenerator()
	if err != nil {
		return err
	}
	defer m.Close()
	wrong, err := f.wrongAnswers()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, wrong.Close()) }()
	pool := f.pool(g, m)
	defer pool.Close()
	bar := newProgress(0, b.Len(), f.Quiet)
	tally := tally{bar: bar, wrong: json.NewEncoder(wrong)}
	tally.wrong.SetEscapeHTML(false)
	r, err := eval.Run(ctx, m, b, eval.Options{Pool: pool, OnAnswer: tally.add})
	bar.end()
	if err = errors.Join(err, tally.err); err != nil {
		return err
	}
	arrange(r)
	if f.JSON {
		return writeJSON(os.Stdout, r)
	}
	return r.Write(os.Stdout)
}

// arrange puts the groups that belong together side by side.
func arrange(r *eval.Report) {
	slices.SortFunc(r.Groups, func(a, b eval.Group) int {
		return cmp.Or(cmp.Compare(b.Group, a.Group), cmp.Compare(a.Value, b.Value)) // type before language
	})
}

// tally follows a run.
type tally struct {
	bar         *progress
	wrong       *json.Encoder
	asked, good int
	err         error // of writing wrong answers
}

func (t *tally) add(a eval.Answer) {
	t.asked++
	if a.Right {
		t.good++
	} else if err := t.wrong.Encode(a); err != nil {
		t.err = err
	}
	t.bar.at(t.asked, fmt.Sprintf("%.1f %% right", 100*float64(t.good)/float64(t.asked)))
}

// wrongAnswers opens the file for them, if one is wanted.
func (f *evalFlags) wrongAnswers() (io.WriteCloser, error) {
	if f.Errors == "" {
		return nowhere{io.Discard}, nil
	}
	return os.Create(f.Errors)
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }
