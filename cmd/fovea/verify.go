package main

import (
	"context"
	"os"

	"github.com/fovea-ml/fovea/internal/verify"
	"github.com/fovea-ml/fovea/zoo"
)

type verifyCmd struct {
	Dir      string `arg:"" name:"dir" help:"Checkpoint directory." type:"path"`
	Expected string `help:"Take expected.json, expected.safetensors and the pictures from DIR; without it they lie beside the checkpoint." placeholder:"DIR" type:"path"`
	Compute  string `help:"Tolerances to compare under, by the arithmetic they are made for: f32 or bf16." enum:"f32,bf16" default:"f32" placeholder:"TYPE"`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
}

func (verifyCmd) Help() string {
	return `Runs a checkpoint on the inputs of a reference implementation and compares every
intermediate result, in order, with what the reference computed: token ids,
pixel values, hidden states, image features, logits, greedy tokens, text.

Prints a line a stage with its largest absolute difference, and the same relative
to the stage's largest magnitude. The exit status is 1 if a stage is out of
tolerance or missing. Layers that inference leaves out are skipped, not passed.
Each greedy step follows the reference's tokens up to there.

  --compute f32   ids, tokens and texts equal, pixel values within 1e-6,
                  other stages within 1e-5 of their largest magnitude
  --compute bf16  pixel values as above, other stages within 2e-2; a token may
                  differ where the reference's own logits of the two are closer
                  than that

The arithmetic is float32 under both: bf16 only widens the tolerances. NaN and
infinity never pass.

Examples:

    fovea verify testdata/llava15
    fovea verify my-port --expected testdata/llava15
    fovea verify testdata/clip --json`
}

func (c *verifyCmd) Run(ctx context.Context, g *globals) error {
	m, err := zoo.OpenDir(c.Dir)
	if err != nil {
		return err
	}
	defer m.Close()
	files := m.Files()
	if c.Expected != "" {
		files = os.DirFS(c.Expected)
	}
	pool := g.pool()
	defer pool.Close()
	o := verify.Options{Tolerance: verify.Float32(), Pool: pool}
	if c.Compute == "bf16" {
		o.Tolerance = verify.BFloat16()
	}
	if !c.JSON {
		o.OnCase = func(done *verify.Case) { _ = done.Write(os.Stdout) }
	}
	r, err := verify.Run(ctx, m, files, o)
	if err != nil {
		return err
	}
	if c.JSON {
		err = writeJSON(os.Stdout, r)
	} else {
		err = r.WriteSummary(os.Stdout)
	}
	if err != nil {
		return err
	}
	return r.Err()
}
