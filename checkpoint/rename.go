package checkpoint

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Rename is one rule that turns the names of another dialect into ours.
//
// From is a prefix, replaced by To; if it starts with ^ it is a regular
// expression, and To may use its groups as ${1}:
//
//	{"language_model.model.", "model.language_model."}
//	{`^(.*)\.gamma$`, "${1}.weight"}
type Rename struct{ From, To string }

// rule is a Rename, compiled.
type rule struct {
	Rename
	re *regexp.Regexp // nil: From is a prefix
}

// renamer applies rules in their order, each to what the ones before it made.
type renamer []rule

func newRenamer(names []Rename) (renamer, error) {
	var r renamer
	for _, n := range names {
		next := rule{Rename: n}
		if strings.HasPrefix(n.From, "^") {
			re, err := regexp.Compile(n.From)
			if err != nil {
				return nil, fmt.Errorf("rename rule %q: %w", n.From, err)
			}
			next.re = re
		}
		r = append(r, next)
	}
	return r, nil
}

func (r renamer) apply(name string) string {
	for _, rule := range r {
		if rule.re != nil {
			name = rule.re.ReplaceAllString(name, rule.To)
		} else if rest, ok := strings.CutPrefix(name, rule.From); ok {
			name = rule.To + rest
		}
	}
	return name
}

// Renamed are names as rules, each applied to what the ones before it made, turn them.
func Renamed(names []string, rules []Rename) ([]string, error) {
	r, err := newRenamer(rules)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = r.apply(name)
	}
	return out, nil
}

// matchesAny reports whether name matches one of the patterns of path.Match,
// in which * stands for dots too.
func matchesAny(patterns []string, name string) (bool, error) {
	for _, p := range patterns {
		ok, err := path.Match(p, name)
		if err != nil {
			return false, fmt.Errorf("ignore pattern %q: %w", p, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}
