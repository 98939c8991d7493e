package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/train"
)

type trainCmd struct {
	Recipe  string  `arg:"" help:"Recipe file."`
	Output  string  `help:"Directory of logs, checkpoints and the final model, instead of the recipe's." placeholder:"DIR"`
	Data    string  `help:"Path of the recipe's data that is learned from files, instead of its own; also of validation and questions that name the same." placeholder:"PATH"`
	Seed    *uint64 `help:"Seed of weights, order and chance, instead of the recipe's." placeholder:"N"`
	Compute string  `help:"Arithmetic of matrix products, instead of the recipe's: f32, or bf16 for matrix units." enum:",f32,bf16" default:"" placeholder:"TYPE"`
	Keep    int     `help:"Checkpoints that stay, the newest, instead of the recipe's number; 0 is the recipe's." default:"0" placeholder:"N"`
	Steps   int     `help:"Stop when N updates are done, those of earlier runs included; 0 runs to the end." default:"0" placeholder:"N"`
	Watch   string  `help:"Serve a page of the run at this address, :8080 say: curves, answers on the way, speed. Only this machine sees it unless a host is given, as in 0.0.0.0:8080." placeholder:"[HOST]:PORT"`
	DryRun  bool    `help:"Run a few updates of each stage, forget them, and print what would learn, the memory and the time that it would take."`
	JSON    bool    `name:"json" help:"Print JSON, with --dry-run."`
	Quiet   bool    `help:"Show no progress." short:"q"`
}

func (trainCmd) Help() string {
	return `The output directory holds log.jsonl, checkpoints, and in the end model/, a
checkpoint directory in the Hugging Face layout. Ctrl-C saves and stops; the same
command goes on from there, to the same weights. What a stage measures before and
after it is printed, and kept in measures.json; a stage that forgets more of a text
than it may fails the run.

There are also events/, which TensorBoard reads, and when the run ends or is stopped,
report.html, a page of its curves; with --watch, the page is live and has questions
that the model answers.

Examples:

    fovea train recipes/fovea-tiny.json
    fovea train recipes/easy-vqa.json --data easy-vqa/train --output runs/mine
    fovea train recipes/fovea-tiny.json --dry-run
    fovea train recipes/fovea-tiny.json --watch :8080
    fovea train recipes/fovea-tiny.json --steps 200
    fovea train recipes/llava-1.5.json --keep 1
    fovea train recipes/tiny/parts.json && fovea train recipes/tiny/llava-1.5.json
    fovea train recipes/forgetting/pairs.json --seed 2 --output runs/forgetting/pairs-2
    tensorboard --logdir runs`
}

func (c *trainCmd) Run(ctx context.Context, g *globals) error {
	r, err := readRecipe(c.Recipe, c.Data)
	if err != nil {
		return err
	}
	if err := c.override(r); err != nil {
		return err
	}
	if c.JSON && !c.DryRun {
		return errors.New("--json is for --dry-run; a run writes log.jsonl")
	}
	if !c.Quiet {
		fmt.Fprintf(os.Stderr, "reading the data of %s\n", c.Recipe)
	}
	pool := g.pool()
	defer pool.Close()
	if c.DryRun {
		return c.plan(ctx, r, pool)
	}
	t, err := train.New(r, pool)
	if err != nil {
		return err
	}
	defer t.Close()
	for _, broken := range t.Broken {
		fmt.Fprintln(os.Stderr, "passing over a checkpoint:", broken)
	}
	c.leftOut(t)
	steps, total := t.Steps(), 0
	for _, n := range steps {
		total += n
	}
	t.Measure = measurer(pool)
	c.introduce(t, steps, total)
	if c.Steps > 0 && t.Resumed() >= c.Steps {
		fmt.Fprintf(os.Stderr, "%d updates are done already: nothing to do\n", t.Resumed())
		return nil
	}
	return c.train(ctx, t, total)
}

// override puts the flags in the place of fields of the recipe.
func (c *trainCmd) override(r *train.Recipe) error {
	if c.Output != "" {
		r.Output = c.Output
	}
	if c.Keep < 0 {
		return fmt.Errorf("--keep is %d, want a number of checkpoints", c.Keep)
	}
	if c.Keep > 0 {
		r.Keep = c.Keep
	}
	if c.Seed != nil {
		r.Seed = *c.Seed
	}
	if c.Compute != "" {
		r.Compute = computeTypes[c.Compute].String()
	}
	return nil
}

// leftOut tells of the data that is of no use, before the run and on the way.
func (c *trainCmd) leftOut(t *train.Trainer) {
	some, n := t.LeftOut()
	for _, err := range some {
		fmt.Fprintln(os.Stderr, "left out:", err)
	}
	if n > len(some) {
		fmt.Fprintf(os.Stderr, "left out: %d broken rows in all; fovea data validate lists them\n", n)
	}
	const most = 10
	told := 0
	t.OnSkip = func(err error) {
		if told++; told <= most {
			fmt.Fprintln(os.Stderr, "skipped:", err)
		}
		if told == most {
			fmt.Fprintln(os.Stderr, "more is only counted, as broken in log.jsonl")
		}
	}
}

// introduce says what is about to happen.
func (c *trainCmd) introduce(t *train.Trainer, steps []int, total int) {
	if c.Quiet {
		return
	}
	r := t.Recipe
	for i, st := range r.Stages {
		fmt.Fprintf(os.Stderr, "stage %s: %d updates of %d samples\n", st.Name, steps[i], st.Batch*st.Accumulate)
	}
	if n := t.Resumed(); n > 0 {
		fmt.Fprintf(os.Stderr, "resuming from %s: %d of %d updates are done\n", t.Model.Name, n, total)
	}
}

// errEnough is why a run stops at --steps.
var errEnough = errors.New("enough steps")

func (c *trainCmd) train(ctx context.Context, t *train.Trainer, total int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w, err := newWatcher(ctx, t, c.Watch)
	if err != nil {
		return err
	}
	bar := newProgress(t.Resumed(), total, c.Quiet)
	done, meter := t.Resumed(), newMeter()
	t.OnStep = func(s train.Step) {
		done++
		meter.add(s)
		w.step(ctx, s)
		bar.at(done, fmt.Sprintf("%s  loss %.4f  %.0f tok/s", s.Stage, meter.loss, meter.rate))
		if done == c.Steps {
			stop(errEnough)
		}
	}
	t.OnMeasured = c.measured
	err = t.Run(ctx)
	bar.end()
	w.end(ctx, err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "saved after update %d of %d in %s; the same command goes on from there\n", done, total, t.Recipe.Output)
		if context.Cause(ctx) == errEnough {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	if rows := t.Measured(); len(rows) > 0 {
		if err := writeMeasured(os.Stdout, rows); err != nil {
			return err
		}
		fmt.Println()
	}
	c.invite(t.Recipe)
	return nil
}

// measured prints what a stage has changed.
func (c *trainCmd) measured(rows []train.Measured) {
	if c.Quiet {
		return
	}
	fmt.Fprintln(os.Stderr)
	_ = writeMeasured(os.Stderr, rows) // as of all progress
}

// invite says where the model is, and how to try it.
func (c *trainCmd) invite(r *train.Recipe) {
	model := filepath.Join(r.Output, "model")
	try := fmt.Sprintf("ask --model %s --image FILE \"What is in the picture?\"", model)
	switch last := r.Stages[len(r.Stages)-1]; {
	case last.Loss == "pairs":
		try = fmt.Sprintf("match --model %s --image FILE \"a text\" \"another\"", model)
	case r.Model.LoRA != nil && !r.Model.Merge:
		model = filepath.Join(r.Output, "adapter")
		try = fmt.Sprintf("ask --model %s --lora %s --image FILE \"What is in the picture?\"", r.Model.From, model)
	}
	fmt.Printf("the model is in %s; try it:\n\n    fovea %s\n", model, try)
}
