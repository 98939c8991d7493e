package lora

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/nn"
)

// allLinear is PEFT's word for all layers but the output's, and but convolutions.
const allLinear = "all-linear"

// layers are those of a model, by name and in order.
type layers struct {
	of    map[string]*nn.Linear
	names []string
}

func linears(net any) layers {
	l := layers{of: map[string]*nn.Linear{}}
	nn.Linears(net, func(name string, layer *nn.Linear) { l.of[name], l.names = layer, append(l.names, name) })
	return l
}

// matches reports whether a target means a layer.
func (l layers) matches(glob, name string) bool {
	if glob == allLinear {
		return !nn.MatchEnd("lm_head", name) && l.of[name].Kernel == nil
	}
	return nn.MatchEnd(glob, name)
}

func (l layers) any(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool { return l.matches(glob, name) })
}

// choose gives the names that the targets, or the pattern, match and the exclusions do
// not. A glob that matches nothing is an error.
func (c *Config) choose(l layers) ([]string, error) {
	wanted := func(name string) bool { return l.any(c.Targets, name) }
	if c.Pattern != "" {
		re, err := regexp.Compile(`^(?:` + c.Pattern + `)$`)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", c.Pattern, err)
		}
		wanted = re.MatchString
	} else if len(c.Targets) == 0 {
		return nil, fmt.Errorf("no targets: name layers, such as q_proj and v_proj, or %s", allLinear)
	}
	for _, glob := range slices.Concat(c.Targets, c.Exclude) {
		if !slices.ContainsFunc(l.names, func(name string) bool { return l.matches(glob, name) }) {
			return nil, noMatch("linear layer", glob, l.names)
		}
	}
	var chosen []string
	for _, name := range l.names {
		if wanted(name) && !l.any(c.Exclude, name) {
			chosen = append(chosen, name)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no linear layer is left: targets %q, pattern %q, without %q", c.Targets, c.Pattern, c.Exclude)
	}
	return chosen, nil
}

// noMatch names what is near a glob that matches nothing.
func noMatch(what, glob string, names []string) error {
	return fmt.Errorf("%q matches no %s of the model; near: %s", glob, what, strings.Join(near(glob, names), ", "))
}

// near are the ends of names that differ least from a glob, of as many parts.
func near(glob string, names []string) []string {
	parts := strings.Count(glob, ".") + 1
	var ends []string
	for _, name := range names {
		p := strings.Split(name, ".")
		ends = append(ends, strings.Join(p[max(0, len(p)-parts):], "."))
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	slices.SortStableFunc(ends, func(a, b string) int { return cmp.Compare(nn.Distance(glob, a), nn.Distance(glob, b)) })
	return ends[:min(4, len(ends))]
}
