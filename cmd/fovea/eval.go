package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/eval"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/zoo"
)

type evalCmd struct {
	Scenes  evalScenesCmd  `cmd:"" help:"Questions about drawn scenes that no model was trained on."`
	EasyVQA evalEasyVQACmd `cmd:"" name:"easy-vqa" help:"The easy-VQA data set (github.com/vzhou842/easy-VQA)."`
}

// evalFlags are those of every benchmark.
type evalFlags struct {
	Model  string `help:"Checkpoint directory." placeholder:"DIR" type:"path"`
	JSON   bool   `name:"json" help:"Print the report as JSON."`
	Errors string `help:"Write every wrong answer to FILE, one JSON object a line." placeholder:"FILE" type:"path"`
	Quiet  bool   `help:"Show no progress." short:"q"`
}

type evalScenesCmd struct {
	Seed  uint64 `help:"Seed of the scenes, in a namespace of its own: training never sees them." default:"1" placeholder:"N"`
	Count int    `help:"Number of questions." default:"2000" placeholder:"N"`
	Side  int    `help:"Pixels along a side of the pictures; 0 takes what the model sees." default:"0" placeholder:"N"`
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
	return c.run(ctx, g, func(m *zoo.Model) (*benchmark, error) {
		opts := scenes.Options{Split: scenes.Eval, Side: c.side(m)}
		each := opts.WithDefaults().Questions
		d, err := data.NewScenes(c.Seed, (c.Count-1)/each+1, opts, data.ByQuestion)
		return &benchmark{fmt.Sprintf("scenes of seed %d", c.Seed), d, c.Count}, err
	})
}

// side is the size of pictures that the model need not scale, if scenes can have it.
func (c *evalScenesCmd) side(m *zoo.Model) int {
	if c.Side == 0 && m.Pictures != nil {
		const usual = 128
		if w, _ := m.Pictures.OutputSize(usual, usual); w >= scenes.MinSide && w <= scenes.MaxSide {
			return w
		}
	}
	return c.Side
}

type evalEasyVQACmd struct {
	Data  string `help:"Folder with questions.json and images/." required:"" placeholder:"DIR" type:"path"`
	Limit int    `help:"Ask only the first N questions; 0 asks all." default:"0" placeholder:"N"`
	evalFlags
}

func (evalEasyVQACmd) Help() string {
	return `Examples:

    fovea eval easy-vqa --model runs/easy-vqa/model --data easy-vqa/val`
}

func (c *evalEasyVQACmd) Run(ctx context.Context, g *globals) error {
	return c.run(ctx, g, func(*zoo.Model) (*benchmark, error) {
		d, err := data.OpenEasyVQA(c.Data, data.ByQuestion, imageproc.Options{})
		limit := c.Limit
		if limit <= 0 {
			limit = math.MaxInt
		}
		return &benchmark{"easy-VQA", d, limit}, err
	})
}

// answerTokens holds the longest caption of a scene.
const answerTokens = 96

// run opens the model, then the benchmark for it, and asks.
func (f *evalFlags) run(ctx context.Context, g *globals, open func(*zoo.Model) (*benchmark, error)) (err error) {
	m, _, err := openGenerator(f.Model)
	if err != nil {
		return err
	}
	defer m.Close()
	b, err := open(m)
	if err != nil {
		return err
	}
	wrong, err := f.wrongAnswers()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, wrong.Close()) }()
	pool := g.pool()
	defer pool.Close()
	bar := newProgress(0, b.Len(), f.Quiet)
	tally := tally{bar: bar, wrong: json.NewEncoder(wrong)}
	tally.wrong.SetEscapeHTML(false)
	r, err := eval.Run(ctx, m, b, eval.Options{Pool: pool, MaxTokens: answerTokens, OnAnswer: tally.add})
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
