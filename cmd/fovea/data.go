package main

import (
	"fmt"
	"path/filepath"

	"github.com/fovea-ml/fovea/data/scenes"
)

type dataCmd struct {
	Scenes dataScenesCmd `cmd:"" help:"Draw scenes of coloured shapes with questions and answers."`
}

type dataScenesCmd struct {
	Seed      uint64 `help:"Seed: the same seed gives the same files." default:"0" placeholder:"N"`
	N         int    `help:"Number of scenes." default:"8" placeholder:"N"`
	Out       string `help:"Directory to write to." required:"" placeholder:"DIR"`
	Side      int    `help:"Pixels along a side of the pictures." default:"256" placeholder:"N"`
	Questions int    `help:"Questions of each scene, English and Chinese taking turns." default:"12" placeholder:"N"`
	Split     string `help:"Namespace of the seed: no scene of train is one of eval." enum:"train,eval" default:"train"`
}

func (dataScenesCmd) Help() string {
	return `Writes the pictures (images/), conversations in LLaVA's format (scenes.json),
the ground truth with boxes (truth.json), and a page to look at (index.html).

Examples:

    fovea data scenes --seed 7 --n 8 --out scenes
    fovea data scenes --split eval --seed 1 --n 100 --side 128 --out held-out`
}

func (c *dataScenesCmd) Run() error {
	opts := scenes.Options{Split: c.Split, Side: c.Side, Questions: c.Questions}
	if err := scenes.Write(c.Out, c.Seed, c.N, opts); err != nil {
		return err
	}
	fmt.Printf("%d scenes in %s; look at %s\n", c.N, c.Out, filepath.Join(c.Out, "index.html"))
	return nil
}
