package eval

import (
	"fmt"
	"io"
	"strings"
)

// Report is the outcome of a benchmark.
type Report struct {
	Benchmark string  `json:"benchmark"`
	Model     string  `json:"model"`
	Kernel    string  `json:"kernel"` // the numeric kernels that computed it
	All       Score   `json:"all"`
	Groups    []Group `json:"groups"`
}

// Group is the score of the questions that share a tag.
type Group struct {
	Group string `json:"group"`
	Value string `json:"value"`
	Score
}

func (r *Report) add(a Answer) {
	r.All.add(a.Right)
	for _, t := range a.Tags {
		r.group(t).add(a.Right)
	}
}

func (r *Report) group(t Tag) *Score {
	for i := range r.Groups {
		if g := &r.Groups[i]; g.Group == t.Group && g.Value == t.Value {
			return &g.Score
		}
	}
	r.Groups = append(r.Groups, Group{Group: t.Group, Value: t.Value})
	return &r.Groups[len(r.Groups)-1].Score
}

// Write prints the report as a table for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, kernel %s\n\n", r.Model, r.Benchmark, r.Kernel)
	fmt.Fprintf(&b, "%-10s %-12s %7s %9s   %s\n", "", "", "count", "accuracy", "95 % interval")
	row := func(group, value string, s Score) {
		fmt.Fprintf(&b, "%-10s %-12s %7d %8.2f%%   %.2f–%.2f\n", group, value, s.Count, 100*s.Accuracy, 100*s.Low, 100*s.High)
	}
	last := ""
	for _, g := range r.Groups {
		name := g.Group
		if name == last {
			name = ""
		}
		last = g.Group
		row(name, g.Value, g.Score)
	}
	row("all", "", r.All)
	_, err := io.WriteString(w, b.String())
	return err
}
