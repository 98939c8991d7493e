package verify

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Status is what became of a stage.
type Status string

// The statuses. A skipped stage is one that inference has no use for; an unknown
// one has a name that no model reports. Neither counts as passed.
const (
	Passed  Status = "pass"
	Failed  Status = "FAIL"
	Skipped Status = "skipped"
	Unknown Status = "unknown"
)

// Stage is the comparison of one intermediate result.
type Stage struct {
	Name   string   `json:"stage"`
	Status Status   `json:"status"`
	MaxAbs *float64 `json:"max_abs,omitempty"` // largest difference; nil if there is none to tell
	MaxRel *float64 `json:"max_rel,omitempty"` // the same, relative to the largest magnitude expected
	Detail string   `json:"detail,omitempty"`
}

// Case is what came of one input.
type Case struct {
	Number int      `json:"case"`
	Prompt string   `json:"prompt,omitempty"`
	Texts  []string `json:"texts,omitempty"`
	Images []string `json:"images,omitempty"`
	Videos []string `json:"videos,omitempty"`
	Stages []Stage  `json:"stages"`
	Passed bool     `json:"passed"`
	First  string   `json:"first_failure,omitempty"` // the first stage out of tolerance
	Error  string   `json:"error,omitempty"`         // why the case could not be run to its end
}

// Report is what came of all inputs.
type Report struct {
	Model        string    `json:"model"`
	Architecture string    `json:"architecture"`
	Reference    string    `json:"reference"`  // class of the reference implementation
	Weights      string    `json:"weights"`    // how they are stored
	Arithmetic   string    `json:"arithmetic"` // what the model computed in
	Kernel       string    `json:"kernel"`
	Tolerance    Tolerance `json:"tolerance"`
	Cases        []*Case   `json:"cases"`
	Unknown      []string  `json:"unknown,omitempty"` // expected tensors that belong to no case

	CasesPassed   int `json:"cases_passed"`
	StagesPassed  int `json:"stages_passed"`
	StagesFailed  int `json:"stages_failed"`
	StagesSkipped int `json:"stages_skipped"`
	StagesUnknown int `json:"stages_unknown"`
}

// judge decides whether a case passed. err is why it could not be run to its end.
func (c *Case) judge(err error) {
	compared := 0
	for _, s := range c.Stages {
		switch s.Status {
		case Passed:
			compared++
		case Failed:
			if c.First == "" && s.Detail != notReached {
				c.First = s.Name
			}
		}
	}
	switch {
	case err != nil:
		c.Error = err.Error()
	case c.First == "" && compared == 0:
		c.Error = "nothing is expected that could be compared"
	}
	c.Passed = c.First == "" && c.Error == ""
}

func (r *Report) add(c *Case) {
	r.Cases = append(r.Cases, c)
	if c.Passed {
		r.CasesPassed++
	}
	for _, s := range c.Stages {
		switch s.Status {
		case Passed:
			r.StagesPassed++
		case Failed:
			r.StagesFailed++
		case Skipped:
			r.StagesSkipped++
		case Unknown:
			r.StagesUnknown++
		}
	}
}

// Err is nil if every case passed, and else names the first failure.
func (r *Report) Err() error {
	for _, c := range r.Cases {
		if !c.Passed {
			return fmt.Errorf("verify: %s: case %d: %s", r.Model, c.Number, c.why())
		}
	}
	return nil
}

// why names the first failure.
func (c *Case) why() string {
	if c.First == "" {
		return c.Error
	}
	why := c.First + " is the first stage out of tolerance"
	if c.Error != "" {
		why += "; then: " + c.Error
	}
	return why
}

// Write prints a case, a line a stage.
func (c *Case) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "case %d", c.Number)
	if shown := slices.Concat(c.Images, c.Videos); len(shown) > 0 {
		fmt.Fprintf(&b, "  %s", strings.Join(shown, " "))
	}
	for _, t := range append([]string{c.Prompt}, c.Texts...) {
		if t != "" {
			fmt.Fprintf(&b, "  %q", t)
		}
	}
	b.WriteByte('\n')
	for _, s := range c.Stages {
		fmt.Fprintf(&b, "  %-8s %-26s %s\n", s.Status, s.Name, s.measure())
	}
	if c.Passed {
		fmt.Fprintf(&b, "  case %d passed\n\n", c.Number)
	} else {
		fmt.Fprintf(&b, "  case %d FAILED: %s\n\n", c.Number, c.why())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Stage) measure() string {
	if s.MaxAbs == nil || s.MaxRel == nil {
		return s.Detail
	}
	return strings.TrimRight(fmt.Sprintf("max abs %-8s max rel %-8s %s", short(*s.MaxAbs), short(*s.MaxRel), s.Detail), " ")
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', 2, 64) }

// WriteSummary prints what was run and what came of it.
func (r *Report) WriteSummary(w io.Writer) error {
	var b strings.Builder
	for _, name := range r.Unknown {
		fmt.Fprintf(&b, "unknown: %s belongs to no case\n", name)
	}
	fmt.Fprintf(&b, "%s: %s with %s weights, against the reference's %s\n", r.Model, r.Architecture, r.Weights, r.Reference)
	fmt.Fprintf(&b, "arithmetic %s, kernel %s; tolerances: %s\n", r.Arithmetic, r.Kernel, r.Tolerance)
	total := r.StagesPassed + r.StagesFailed
	fmt.Fprintf(&b, "%d of %d cases and %d of %d stages passed", r.CasesPassed, len(r.Cases), r.StagesPassed, total)
	for _, n := range []struct {
		count int
		what  Status
	}{{r.StagesSkipped, Skipped}, {r.StagesUnknown, Unknown}} {
		if n.count > 0 {
			fmt.Fprintf(&b, ", %d %s", n.count, n.what)
		}
	}
	if stage, c, rel := r.worst(); stage != "" {
		fmt.Fprintf(&b, "; the largest distance is %s, of %s in case %d", short(rel), stage, c)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// worst names the stage that is furthest from the reference, relative to its largest magnitude.
func (r *Report) worst() (stage string, number int, rel float64) {
	for _, c := range r.Cases {
		for _, s := range c.Stages {
			if s.MaxRel != nil && (stage == "" || *s.MaxRel > rel) {
				stage, number, rel = s.Name, c.Number, *s.MaxRel
			}
		}
	}
	return stage, number, rel
}

// String spells a tolerance out.
func (t Tolerance) String() string {
	tokens := "ids, tokens and texts equal"
	if t.CloseTokens {
		tokens = "ids equal, tokens equal or as good"
	}
	why := ""
	if t.Halved {
		why = " (the reference interpolates pictures in 16 bits before them)"
	}
	return fmt.Sprintf("%s, pixel values within %g, other stages%s within %g of their largest magnitude", tokens, t.Pixels, why, t.Stage)
}

// finite is nil for what JSON cannot hold.
func finite(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	return &x
}
