// Package lora attaches updates of low rank to the linear layers of a model, merges
// them, and reads and writes them as PEFT does (https://github.com/huggingface/peft):
// adapter_config.json and adapter_model.safetensors.
//
// LoRA is Hu et al. 2021, https://arxiv.org/abs/2106.09685; rsLoRA Kalajdzievski 2023,
// https://arxiv.org/abs/2312.03732; DoRA Liu et al. 2024, https://arxiv.org/abs/2402.09353;
// over quantised weights it is QLoRA, Dettmers et al. 2023, https://arxiv.org/abs/2305.14314.
package lora

import (
	"fmt"
	"math"
	"path"
	"regexp"
)

// Config says which layers get an update and of what kind. Its JSON is for recipes;
// adapter_config.json is read and written apart.
type Config struct {
	Rank    int     `json:"rank"`
	Alpha   float64 `json:"alpha"`             // the update is weighed by alpha/rank
	Dropout float64 `json:"dropout,omitempty"` // of what goes into the update, in training
	RSLoRA  bool    `json:"rslora,omitempty"`  // weigh by alpha/√rank
	DoRA    bool    `json:"dora,omitempty"`    // learn the lengths of the weight's rows apart

	// Targets and Exclude are globs of layers' names; see Match. The target
	// "all-linear" stands for all but the language model's head.
	Targets []string `json:"targets"`
	Exclude []string `json:"exclude,omitempty"`
	// Pattern is a regular expression that the whole names satisfy, in the place of
	// Targets: PEFT's target_modules where that is a text.
	Pattern string `json:"pattern,omitempty"`
	// ModulesToSave are globs of modules, or of parameters, that learn whole.
	ModulesToSave []string `json:"modules_to_save,omitempty"`

	Ranks  Overrides `json:"rank_pattern,omitempty"`  // ranks of some layers
	Alphas Overrides `json:"alpha_pattern,omitempty"` // alphas of some layers

	Seed uint64 `json:"seed,omitempty"` // of first values and dropout
}

// maxRank bounds what a file can make us allocate.
const maxRank = 1 << 14

// check refuses what makes no update, in the words of the fields.
func (c *Config) check() error {
	if err := c.checkNumbers(c.Rank, c.Alpha); err != nil {
		return err
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		return fmt.Errorf("dropout is %v, want at least 0 and less than 1", c.Dropout)
	}
	for _, o := range c.Ranks {
		if o.Value != math.Trunc(o.Value) {
			return fmt.Errorf("rank_pattern: %q: rank %v is no whole number", o.Key, o.Value)
		}
	}
	for _, list := range []Overrides{c.Ranks, c.Alphas} {
		if err := list.compile(); err != nil {
			return err
		}
	}
	for _, list := range [][]string{c.Targets, c.Exclude, c.ModulesToSave} {
		for _, glob := range list {
			if _, err := path.Match(glob, ""); err != nil {
				return fmt.Errorf("%q: %w", glob, err)
			}
		}
	}
	return nil
}

func (c *Config) checkNumbers(rank int, alpha float64) error {
	switch {
	case rank < 1 || rank > maxRank:
		return fmt.Errorf("rank is %d, want 1 to %d", rank, maxRank)
	case !(alpha > 0) || math.IsInf(alpha, 0):
		return fmt.Errorf("alpha is %v, want a finite number above 0", alpha)
	}
	return nil
}

// of gives the rank and alpha of a layer by its name in patterns.
func (c *Config) of(name string) (rank int, alpha float64, err error) {
	rank, alpha = c.Rank, c.Alpha
	if v, ok := c.Ranks.of(name); ok {
		rank = int(v)
	}
	if v, ok := c.Alphas.of(name); ok {
		alpha = v
	}
	return rank, alpha, c.checkNumbers(rank, alpha)
}

// scale is what an update is weighed by.
func (c *Config) scale(rank int, alpha float64) float32 {
	if c.RSLoRA {
		return float32(alpha / math.Sqrt(float64(rank)))
	}
	return float32(alpha / float64(rank))
}

// Override is a value for the layers whose whole names, or what these end with behind a
// dot, satisfy a regular expression, as in PEFT.
type Override struct {
	Key   string
	Value float64
	re    *regexp.Regexp
}

// Overrides are tried in their order.
type Overrides []Override

func (list Overrides) compile() error {
	for i := range list {
		re, err := regexp.Compile(`^(.*\.)?(` + list[i].Key + `)$`)
		if err != nil {
			return fmt.Errorf("pattern %q: %w", list[i].Key, err)
		}
		list[i].re = re
	}
	return nil
}

func (list Overrides) of(name string) (float64, bool) {
	for _, o := range list {
		if o.re.MatchString(name) {
			return o.Value, true
		}
	}
	return 0, false
}
