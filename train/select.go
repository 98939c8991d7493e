package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Parts are the names of parts that select parameters in a Stage.
var Parts = []string{"vision", "adapter", "language", loraPart}

// fits reports whether one of the patterns, names of parts or globs, selects a
// parameter.
func fits(patterns []string, name, part string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == part || !slices.Contains(Parts, p) && nn.Match(p, name)
	})
}

// learns reports whether the stage teaches a parameter.
func (s *Stage) learns(name, part string) bool {
	return fits(s.Train, name, part) && !fits(s.Freeze, name, part)
}

// checkNames returns an error for a pattern that selects nothing of the model.
func (s *Stage) checkNames(net any, part func(string) string) error {
	names, _ := nn.Params(net)
	lists := map[string][]string{"train": s.Train, "freeze": s.Freeze}
	for i, g := range s.Groups {
		lists[fmt.Sprintf("group %d", i+1)] = g.Params
	}
	for list, patterns := range lists {
		if err := checkFit(list, patterns, names, part); err != nil {
			return err
		}
	}
	return nil
}

// checkFit returns an error for a pattern that selects none of the names.
func checkFit(list string, patterns, names []string, part func(string) string) error {
	for _, p := range patterns {
		if slices.ContainsFunc(names, func(name string) bool { return fits([]string{p}, name, part(name)) }) {
			continue
		}
		if slices.Contains(Parts, p) {
			return fmt.Errorf("%s: the model has no part %q", list, p)
		}
		return fmt.Errorf("%s: %q fits no parameter; the nearest is %s", list, p, nearest(p, names))
	}
	return nil
}

// checkPatterns returns an error for patterns that cannot be read.
func checkPatterns(patterns []string) error {
	for _, p := range patterns {
		if err := nn.CheckPattern(p); err != nil {
			return fmt.Errorf("%q: %w", p, err)
		}
		if p == "" || strings.Contains(p, "/") {
			return fmt.Errorf("%q is no part (%s) and no name of parameters", p, strings.Join(Parts, ", "))
		}
	}
	return nil
}

// paramRate is what the optimizer does with a parameter.
type paramRate struct {
	lr    float64 // of the stage's
	decay float64
}

// rates returns the rate of each parameter of net: matrices decay, norms and
// biases do not, and groups have settings of their own.
func (s *Stage) rates(net any, part func(string) string) func(name string, w *tensor.Tensor) paramRate {
	depths := make([]int, len(s.Groups))
	nn.Walk(net, func(name string, _ *tensor.Tensor) {
		if g := s.group(name, part(name)); g >= 0 {
			depths[g] = max(depths[g], layer(name)+1)
		}
	})
	return func(name string, w *tensor.Tensor) paramRate {
		r := paramRate{lr: 1, decay: s.Decay}
		if i := s.group(name, part(name)); i >= 0 {
			r = s.Groups[i].rate(s, name, depths[i])
		}
		if len(w.Shape) < 2 {
			r.decay = 0
		}
		return r
	}
}

// group is the number of the group that a parameter belongs to, -1 if none.
func (s *Stage) group(name, part string) int {
	return slices.IndexFunc(s.Groups, func(g Group) bool { return fits(g.Params, name, part) })
}

func (g *Group) rate(s *Stage, name string, depth int) paramRate {
	r := paramRate{lr: 1, decay: s.Decay}
	if g.LR != nil {
		r.lr = *g.LR / s.LR
	}
	if g.Decay != nil {
		r.decay = *g.Decay
	}
	if g.LayerDecay > 0 {
		for range layersBehind(name, depth) {
			r.lr *= g.LayerDecay
		}
	}
	return r
}
