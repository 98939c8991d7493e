package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/fovea-ml/fovea/eval"
)

// maxText bounds what is read of a text file, in bytes.
const maxText = 64 << 20

type evalPerplexityCmd struct {
	Text    string `help:"UTF-8 text to predict, instead of two chapters of Alice's Adventures in Wonderland." placeholder:"FILE"`
	Context int    `help:"Tokens of a window; 0 is the model's context, at most 2048." default:"0" placeholder:"N"`
	Stride  int    `help:"Tokens from one window to the next; 0 is half a window." default:"0" placeholder:"N"`
	reportFlags
}

func (evalPerplexityCmd) Help() string {
	return `How well a model predicts a text: exp of the mean negative log-likelihood of its
tokens. Each window scores the tokens that the one before did not hold, given all
that is before them in the window; the first token of a window is never scored. The
interval is that of independent tokens. Compare only models with the same
tokenizer, on the same text, with the same windows.

Examples:

    fovea eval perplexity --model testdata/stories260k
    fovea eval perplexity --model Qwen2-0.5B --text book.txt --context 1024 --stride 512
    fovea eval perplexity --model Qwen2-0.5B --quant q4_k_m --json --quiet`
}

func (c *evalPerplexityCmd) Run(ctx context.Context, g *globals) error {
	name, text, err := c.read()
	if err != nil {
		return err
	}
	m, _, err := c.openGenerator()
	if err != nil {
		return err
	}
	defer m.Close()
	pool := c.pool(g, m)
	defer pool.Close()
	var bar *progress
	o := eval.PerplexityOptions{Pool: pool, Context: c.Context, Stride: c.Stride, OnWindow: func(done, windows int, ppl float64) {
		if done == 0 {
			bar = newProgress(0, windows, c.Quiet)
			return
		}
		bar.at(done, fmt.Sprintf("perplexity %.3f", ppl))
	}}
	r, err := eval.Perplexity(ctx, m, name, text, o)
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(os.Stdout, r)
	}
	return r.Write(os.Stdout)
}

// read returns the text and its name.
func (c *evalPerplexityCmd) read() (name, text string, err error) {
	if c.Text == "" {
		name, text = eval.Alice()
		return name, text, nil
	}
	text, err = readText(c.Text)
	return c.Text, text, err
}

// readText reads a file of at most maxText bytes.
func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxText {
		return "", fmt.Errorf("%s: larger than %d MiB: split it", path, maxText>>20)
	}
	return string(data), nil
}
