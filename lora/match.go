package lora

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/nn"
)

// Match reports whether a glob matches a name, or what it ends with behind a dot: * and ?
// stand for letters between dots, as in path.Match, and ** for any number of parts.
// So "q_proj" is every q_proj, as in PEFT, and "vision_tower.**.fc?" the two of each
// block of the tower. A malformed glob matches nothing.
func Match(glob, name string) bool {
	return matchParts(append([]string{"**"}, strings.Split(glob, ".")...), strings.Split(name, "."))
}

func matchParts(glob, name []string) bool {
	for len(glob) > 0 && glob[0] != "**" {
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(glob[0], name[0]); !ok || err != nil {
			return false
		}
		glob, name = glob[1:], name[1:]
	}
	if len(glob) == 0 {
		return len(name) == 0
	}
	for len(glob) > 1 && glob[1] == "**" {
		glob = glob[1:]
	}
	for i := range len(name) + 1 {
		if matchParts(glob[1:], name[i:]) {
			return true
		}
	}
	return false
}

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
		return !Match("lm_head", name) && l.of[name].Kernel == nil
	}
	return Match(glob, name)
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
	slices.SortStableFunc(ends, func(a, b string) int { return cmp.Compare(distance(glob, a), distance(glob, b)) })
	return ends[:min(4, len(ends))]
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := before
			if a[i] != b[j] {
				d++
			}
			before = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
