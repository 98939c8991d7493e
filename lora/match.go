package lora

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
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

// allLinear is PEFT's word for all layers but the output's.
const allLinear = "all-linear"

func matchTarget(glob, name string) bool {
	if glob == allLinear {
		return !Match("lm_head", name)
	}
	return Match(glob, name)
}

// choose gives the names that the targets, or the pattern, match and the exclusions do
// not. A glob that matches nothing is an error.
func (c *Config) choose(names []string) ([]string, error) {
	if c.Pattern != "" {
		return c.byPattern(names)
	}
	if len(c.Targets) == 0 {
		return nil, fmt.Errorf("no targets: name layers, such as q_proj and v_proj, or %s", allLinear)
	}
	for _, list := range [][]string{c.Targets, c.Exclude} {
		for _, glob := range list {
			if !slices.ContainsFunc(names, func(name string) bool { return matchTarget(glob, name) }) {
				return nil, noMatch("linear layer", glob, names)
			}
		}
	}
	return c.without(names, func(name string) bool {
		return slices.ContainsFunc(c.Targets, func(glob string) bool { return matchTarget(glob, name) })
	})
}

func (c *Config) byPattern(names []string) ([]string, error) {
	re, err := regexp.Compile(`^(?:` + c.Pattern + `)$`)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", c.Pattern, err)
	}
	return c.without(names, re.MatchString)
}

// without are the wanted names that are not excluded.
func (c *Config) without(names []string, wanted func(string) bool) ([]string, error) {
	var chosen []string
	for _, name := range names {
		if wanted(name) && !slices.ContainsFunc(c.Exclude, func(glob string) bool { return matchTarget(glob, name) }) {
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
