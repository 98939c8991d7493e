package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/fovea-ml/fovea/internal/verify"
	"github.com/fovea-ml/fovea/kernel"
)

type verifyCmd struct {
	Dir       string  `arg:"" name:"dir" help:"Directory of the checkpoint and, unless --expected is given, of expected.json, expected.safetensors and the pictures." type:"path"`
	Expected  string  `help:"Take the expectations and their pictures from this directory." placeholder:"DIR2" type:"path"`
	Compute   string  `help:"Arithmetic of matrix products, and the tolerances that it needs: f32, bf16 or int8." enum:"f32,bf16,int8" default:"f32" placeholder:"TYPE"`
	Tolerance float64 `help:"Let stages differ by this much of their largest magnitude, and tokens where neither is better by more: for weights that are not the reference's, such as quantised ones." placeholder:"X"`
	JSON      bool    `name:"json" help:"Print the report as JSON."`
	modelFlags
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
  --compute int8  the same, for quantised weights

Where the CPU has no units for them, bf16 and int8 run in plain Go, slowly. NaN and infinity
never pass.

--tolerance allows more, for weights that are not quite the reference's. The last
line tells the largest distance of all stages; docs/quantisation.md tells what
to expect of each quantised type.

Examples:

    fovea verify testdata/llava15
    fovea verify my-port --expected testdata/llava15
    fovea verify --model llava.gguf --mmproj mmproj.gguf testdata/llava15
    fovea verify testdata/clip --json
    fovea verify embedded/fovea-tiny --expected testdata/fovea_tiny --quant q4_0 --tolerance 0.2

--model names the checkpoint where DIR holds only expectations: a GGUF or .pth
file, or another directory. It cannot go together with --expected.`
}

func (c *verifyCmd) Run(ctx context.Context, g *globals) error {
	expected, err := c.resolve()
	if err != nil {
		return err
	}
	m, err := c.openModel()
	if err != nil {
		return err
	}
	defer m.Close()
	pool := g.pool()
	defer pool.Close()
	pool.Compute = computeTypes[c.Compute]
	o := verify.Options{Tolerance: c.tolerance(pool.Compute), Pool: pool}
	if !c.JSON {
		o.OnCase = func(done *verify.Case) { _ = done.Write(os.Stdout) }
	}
	r, err := verify.Run(ctx, m, os.DirFS(expected), o)
	if err != nil {
		return fmt.Errorf("expectations of %s: %w", expected, err)
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

// tolerance is what was asked for, or what the arithmetic needs.
func (c *verifyCmd) tolerance(compute kernel.DType) verify.Tolerance {
	switch {
	case c.Tolerance > 0:
		return verify.Within(c.Tolerance)
	case compute != kernel.F32:
		return verify.BFloat16()
	}
	return verify.Float32()
}

// resolve settles which path is the checkpoint, and returns that of the expectations.
func (c *verifyCmd) resolve() (expected string, err error) {
	switch {
	case c.Tolerance < 0 || c.Tolerance > 1 || math.IsNaN(c.Tolerance):
		return "", fmt.Errorf("--tolerance %v: want a share of a stage's largest magnitude, above 0 and at most 1", c.Tolerance)
	case c.Model != "" && c.Expected != "":
		return "", errors.New("--model and --expected both say where DIR's other half is: with --expected, DIR is the checkpoint; drop one of them")
	case c.Model != "":
		return c.Dir, nil
	}
	c.Model = c.Dir
	return cmp.Or(c.Expected, c.Dir), nil
}
