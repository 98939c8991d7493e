package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fovea-ml/fovea/train"
)

type trainCmd struct {
	Recipe string `arg:"" help:"Recipe file." type:"existingfile"`
	Output string `help:"Output directory instead of the recipe's." placeholder:"DIR"`
	Data   string `help:"Path of the recipe's data instead of its own." placeholder:"DIR"`
}

func (c *trainCmd) Run(ctx context.Context, g *globals) error {
	r, err := train.ReadRecipe(c.Recipe)
	if err != nil {
		return err
	}
	if c.Output != "" {
		r.Output = c.Output
	}
	pool := g.pool()
	defer pool.Close()
	t, err := train.New(r, pool)
	if err != nil {
		return err
	}
	began, last := time.Now(), time.Now()
	tokens := 0
	t.OnStep = func(s train.Step) {
		tokens += s.Tokens
		if time.Since(last) > time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%s %d/%d loss %.4f lr %.2g norm %.2f %.0f tok/s %s\n", s.Stage, s.Step, s.Of, s.Loss, s.LR, s.Norm,
				float64(tokens)/time.Since(began).Seconds(), time.Since(began).Round(time.Second))
		}
	}
	return t.Run(ctx)
}
