package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/train"
)

// plan prints what a run would do, take and cost.
func (c *trainCmd) plan(ctx context.Context, r *train.Recipe, pool *kernel.Pool) error {
	p, err := train.Rehearse(ctx, r, pool)
	if err != nil {
		return err
	}
	peak := peakMemory()
	if c.JSON {
		return writeJSON(os.Stdout, struct {
			*train.Plan
			Peak int64 `json:"peak_bytes,omitempty"` // of the process
		}{p, peak})
	}
	return writePlan(os.Stdout, p, peak)
}

// writePlan prints a plan for people, with a column for each stage, and the most memory
// that the process has held for it, 0 if that is not known.
func writePlan(w io.Writer, p *train.Plan, peak int64) error {
	fmt.Fprintf(w, "%s: a %s of %s parameters\n\n", p.Recipe, p.Model, count(p.Parameters))
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(name string, cell func(s train.StagePlan) string) {
		cells := []string{name}
		for _, s := range p.Stages {
			cells = append(cells, cell(s))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	row("stage", func(s train.StagePlan) string { return s.Name })
	writeParts(row, p.Stages, "learns", func(s train.StagePlan) map[string]int { return s.Learns })
	writeParts(row, p.Stages, "frozen", func(s train.StagePlan) map[string]int { return s.Frozen })
	writeWork(row)
	writeStageMemory(row)
	row("an update", func(s train.StagePlan) string { return seconds(s.Seconds) })
	row("the stage", func(s train.StagePlan) string { return clock(duration(s.Seconds * float64(s.Updates))) })
	if err := t.Flush(); err != nil {
		return err
	}
	return writeOutlook(w, p, peak)
}

// planRow prints a line of the table.
type planRow func(name string, cell func(s train.StagePlan) string)

// writeParts prints the numbers of parameters of the parts that some stage has in a group.
func writeParts(row planRow, stages []train.StagePlan, group string, of func(s train.StagePlan) map[string]int) {
	for _, part := range train.Parts {
		if !slices.ContainsFunc(stages, func(s train.StagePlan) bool { return of(s)[part] > 0 }) {
			continue
		}
		row(group+" "+part, func(s train.StagePlan) string {
			if n := of(s)[part]; n > 0 {
				return count(n)
			}
			return "–"
		})
	}
}

func writeWork(row planRow) {
	row("samples", func(s train.StagePlan) string { return count(s.Samples) })
	row("updates", func(s train.StagePlan) string {
		return fmt.Sprintf("%s of %d: %.3g epochs", count(s.Updates), s.Batch, s.Epochs)
	})
	row("optimizer", func(s train.StagePlan) string { return s.Optimizer })
	row("tokens an update", func(s train.StagePlan) string {
		text := fmt.Sprintf("%.0f, %.0f taught", s.Tokens, s.Labelled)
		if s.Skipped > 0 {
			text += fmt.Sprintf("; %.1f samples skipped", s.Skipped)
		}
		return text
	})
}

func writeStageMemory(row planRow) {
	for _, m := range []struct {
		name string
		of   func(m train.StageMemory) int64
	}{
		{"weights", func(m train.StageMemory) int64 { return m.Weights }},
		{"gradients", func(m train.StageMemory) int64 { return m.Gradients }},
		{"moments", func(m train.StageMemory) int64 { return m.Moments }},
		{"activations", func(m train.StageMemory) int64 { return m.Activations }},
		{"memory", train.StageMemory.Total},
	} {
		row(m.name, func(s train.StagePlan) string { return size(m.of(s.Memory)) })
	}
}

// writeOutlook says what the whole run comes to.
func writeOutlook(w io.Writer, p *train.Plan, peak int64) error {
	most, total, rehearsed := peak, 0, 0
	for _, s := range p.Stages {
		most, total, rehearsed = max(most, s.Memory.Total()), total+s.Updates, rehearsed+s.Rehearsed
	}
	fmt.Fprintf(w, "\n%d updates, about %s, by %d that were tried; activations are those of the largest of them\n", total, clock(duration(p.Seconds)), rehearsed)
	if peak > 0 {
		fmt.Fprintf(w, "the process held %s at most, with the data and the room that garbage collection takes\n", size(peak))
	}
	if p.Done > 0 {
		fmt.Fprintf(w, "%d updates are done already in %s: the time is for the rest\n", p.Done, p.Output)
	}
	if have := availableMemory(); have > 0 && most > have {
		fmt.Fprintf(w, "that is more memory than the %s that are free: try recompute, or a smaller batch with accumulate\n", size(have))
	}
	_, err := fmt.Fprintln(w, "nothing was written to", p.Output)
	return err
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// seconds shows how long an update takes.
func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.3g ms", s*1000)
	}
	return fmt.Sprintf("%.3g s", s)
}
