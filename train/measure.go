package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/zoo"
)

// Measure is what is found out of the model before a stage and after it.
type Measure struct {
	Benchmark string   `json:"benchmark"`         // scenes, preferences, easy-vqa, retrieval or perplexity
	Count     int      `json:"count,omitempty"`   // scenes, easy-vqa: how many questions; preferences: pairs; retrieval: pictures
	Seed      uint64   `json:"seed,omitempty"`    // scenes, preferences, retrieval: in a namespace that no training sees
	Types     []string `json:"types,omitempty"`   // scenes, preferences: kinds of questions; all (scenes: with short answers) if absent
	Langs     []string `json:"langs,omitempty"`   // scenes, preferences: languages; en and zh if absent
	Objects   int      `json:"objects,omitempty"` // scenes, preferences: most in a picture; 0 means 5
	Path      string   `json:"path,omitempty"`    // easy-vqa: folder; retrieval: file of captions, drawn scenes if absent
	Text      string   `json:"text,omitempty"`    // perplexity: file; two chapters of Alice in Wonderland if absent
	Context   int      `json:"context,omitempty"` // perplexity: tokens of a window; the model's context if absent
}

// benchmarks are those that a Measure may name.
var benchmarks = []string{"scenes", "preferences", "easy-vqa", "retrieval", "perplexity"}

// Forget guards what a model knew before it learned to see: the perplexity of a text.
type Forget struct {
	Text    string  `json:"text,omitempty"`    // file; two chapters of Alice in Wonderland if absent
	Most    float64 `json:"most,omitempty"`    // of the perplexity after the stage, by that before; 0 only tells
	Context int     `json:"context,omitempty"` // tokens of a window; the model's context if absent
}

// Metric is a value that a Measure has found.
type Metric struct {
	Name  string  `json:"name"` // accuracy, perplexity, margin
	Value float64 `json:"value"`
}

// Measured is a Measure with what it found before and after a stage.
type Measured struct {
	Stage   string   `json:"stage"`
	Updates int      `json:"updates"` // of the whole run, when the stage was done
	Measure Measure  `json:"measure"`
	Before  []Metric `json:"before"`
	After   []Metric `json:"after"`
	Most    float64  `json:"most,omitempty"` // of the first value after, by that before; 0: any
}

// Ratio is the first value after the stage by that before it.
func (m *Measured) Ratio() float64 {
	if len(m.Before) == 0 || len(m.After) == 0 {
		return 0
	}
	return m.After[0].Value / m.Before[0].Value
}

const measuresFile = "measures.json"

func (m *Measure) check() error {
	switch {
	case !slices.Contains(benchmarks, m.Benchmark):
		return fmt.Errorf("benchmark %q, want scenes, preferences, easy-vqa, retrieval or perplexity", m.Benchmark)
	case m.Count < 0 || m.Objects < 0 || m.Context < 0:
		return fmt.Errorf("count %d, objects %d, context %d", m.Count, m.Objects, m.Context)
	case (m.Benchmark == "scenes" || m.Benchmark == "preferences" || m.Benchmark == "retrieval" && m.Path == "") && m.Count < 1:
		return fmt.Errorf("%s: count is missing", m.Benchmark)
	case m.Benchmark == "easy-vqa" && m.Path == "":
		return errors.New("easy-vqa: path is missing")
	}
	return nil
}

func (s *Stage) checkMeasures() error {
	for i := range s.Measure {
		if err := s.Measure[i].check(); err != nil {
			return fmt.Errorf("measure %d: %w", i+1, err)
		}
	}
	if f := s.Forget; f != nil && (!(f.Most >= 0) || f.Context < 0) {
		return fmt.Errorf("forget: most %v, context %d", f.Most, f.Context)
	}
	return nil
}

// measures are those of a stage, that of what it forgets behind the others.
func (s *Stage) measures() []Measure {
	all := slices.Clone(s.Measure)
	if s.Forget != nil {
		all = append(all, Measure{Benchmark: "perplexity", Text: s.Forget.Text, Context: s.Forget.Context})
	}
	return all
}

// measureBefore measures what a stage begins with, unless that is known already.
func (t *Trainer) measureBefore(ctx context.Context, log *logbook) error {
	all := t.Recipe.Stages[t.state.Stage].measures()
	if len(all) == len(t.state.Before) {
		return nil
	}
	if t.state.Step > 0 { // the recipe did not ask for it when the stage began
		t.state.Before = make([][]Metric, len(all))
		return nil
	}
	found, err := t.measureAll(ctx, log, all)
	t.state.Before = found
	return err
}

// measureAfter measures what a stage ends with, and fails if it has forgotten too much.
func (t *Trainer) measureAfter(ctx context.Context, log *logbook) error {
	st := &t.Recipe.Stages[t.state.Stage]
	all := st.measures()
	if len(all) == 0 {
		return nil
	}
	found, err := t.measureAll(ctx, log, all)
	if err != nil {
		return err
	}
	rows := make([]Measured, len(all))
	for i, m := range all {
		rows[i] = Measured{Stage: st.Name, Updates: t.state.Total, Measure: m, Before: t.state.Before[i], After: found[i]}
	}
	last := &rows[len(rows)-1]
	if st.Forget != nil {
		last.Most = st.Forget.Most
	}
	if err := t.note(rows); err != nil {
		return err
	}
	if r := last.Ratio(); last.Most > 0 && r > last.Most {
		return errors.Join(t.save(log), fmt.Errorf("the perplexity of %s went from %.3f to %.3f: %.3f times what it was, and forget allows %v; mix text into the data, lower lr, or raise most",
			last.Measure.Name(), last.Before[0].Value, last.After[0].Value, r, last.Most))
	}
	return nil
}

// Name says in a word what is measured: the benchmark, or the text.
func (m *Measure) Name() string {
	switch {
	case m.Benchmark != "perplexity":
		return m.Benchmark
	case m.Text == "":
		return "Alice in Wonderland"
	}
	return m.Text
}

// note keeps rows in the state and in measures.json.
func (t *Trainer) note(rows []Measured) error {
	t.state.Measured = append(slices.Clip(t.state.Measured), rows...)
	data, err := json.MarshalIndent(t.state.Measured, "", "  ")
	if err != nil {
		return err
	}
	if err := checkpoint.WriteFileAtomic(filepath.Join(t.Recipe.Output, measuresFile), append(data, '\n')); err != nil {
		return err
	}
	if t.OnMeasured != nil {
		t.OnMeasured(rows)
	}
	return nil
}

// measureAll measures the model as it is, and saves if it is interrupted.
func (t *Trainer) measureAll(ctx context.Context, log *logbook, all []Measure) ([][]Metric, error) {
	if len(all) > 0 && t.Measure == nil {
		return nil, errors.New("the recipe measures the model, and nobody has said how")
	}
	m, err := t.shown()
	if err != nil {
		return nil, err
	}
	var found [][]Metric
	for _, what := range all {
		known := t.known(what)
		if known == nil {
			known, err = t.Measure(ctx, m, what)
		}
		if ctx.Err() != nil {
			return nil, errors.Join(t.save(log), ctx.Err())
		}
		if err != nil {
			return nil, err
		}
		found = append(found, known)
	}
	return found, nil
}

// known is what the same measure found at the end of the stage before, if it saw the same pictures.
func (t *Trainer) known(what Measure) []Metric {
	i := t.state.Stage
	if t.state.Step > 0 || i == 0 || !bytes.Equal(t.Recipe.Stages[i].Pictures, t.Recipe.Stages[i-1].Pictures) {
		return nil
	}
	for _, m := range t.state.Measured {
		if m.Updates == t.state.Total && reflect.DeepEqual(m.Measure, what) {
			return m.After
		}
	}
	return nil
}

// shown is the model with the pictures of the stage.
func (t *Trainer) shown() (*zoo.Model, error) {
	m := *t.Model
	proc, _, err := t.processor(t.state.Stage)
	if err == nil && proc != nil {
		m.Processor, m.Pictures = proc, proc.PictureProcessor()
	}
	return &m, err
}
