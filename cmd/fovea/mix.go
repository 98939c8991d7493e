package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/train"
)

type mixCmd struct {
	Models []string `arg:"" help:"Checkpoint directories, each with its weight: DIR:0.6." placeholder:"DIR:WEIGHT"`
	Output string   `help:"Directory to write; it must be empty, or not be there." required:"" placeholder:"DIR" type:"path"`
}

func (mixCmd) Help() string {
	return `Writes the model whose weights are the weighted sum of those of several that were
trained from the same one. The weights sum to 1; config, tokenizer and dtypes are
those of the first. SPHINX mixes so what it learned of real captions with what it
learned of synthetic ones.

Examples:

    fovea mix runs/real/model:0.5 runs/synthetic/model:0.5 --output mixed
    fovea mix a:0.6 b:0.4 --output DIR`
}

func (c *mixCmd) Run() error {
	var shares []train.Share
	for _, arg := range c.Models {
		s, err := parseShare(arg)
		if err != nil {
			return err
		}
		shares = append(shares, s)
	}
	if err := train.Mix(c.Output, shares); err != nil {
		return err
	}
	fmt.Printf("the mix of %d models is in %s\n", len(shares), c.Output)
	return nil
}

// parseShare reads DIR:WEIGHT.
func parseShare(arg string) (train.Share, error) {
	at := strings.LastIndexByte(arg, ':')
	if at < 1 {
		return train.Share{}, fmt.Errorf("%q has no weight: write DIR:0.5", arg)
	}
	w, err := strconv.ParseFloat(arg[at+1:], 64)
	if err != nil {
		return train.Share{}, fmt.Errorf("%q: the weight %q is no number: write DIR:0.5", arg, arg[at+1:])
	}
	return train.Share{Dir: arg[:at], Weight: w}, nil
}
