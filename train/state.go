package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/fovea-ml/fovea/zoo"
)

// stateFile tells, in a checkpoint, where the run stands.
const stateFile = "trainer_state.json"

// state is where a run stands.
type state struct {
	Recipe  json.RawMessage `json:"recipe"` // to refuse going on with another one
	Stage   int             `json:"stage"`
	Step    int             `json:"step"`              // steps of the stage
	Total   int             `json:"total"`             // steps of all stages, and lines of the log
	Updates int             `json:"updates"`           // of the optimizer since the stage began
	Missed  map[string]int  `json:"missed,omitempty"`  // updates that a parameter missed before its first gradient
	Cursor  cursor          `json:"cursor"`            // what the stage has taken of its data
	Data    []string        `json:"data,omitempty"`    // fingerprints of the data sets, to refuse others
	Trend   trend           `json:"trend,omitzero"`    // of the stage's loss
	Valid   valid           `json:"valid,omitzero"`    // of its validation
	Settled bool            `json:"settled,omitempty"` // the stage is over, and the model has the weights that it ends with

	Before   [][]Metric `json:"before,omitempty"`   // what the stage's measures found when it began
	Measured []Measured `json:"measured,omitempty"` // what those of the stages before found
}

// resume opens the newest whole checkpoint, or returns nil if there is none at
// all. Checkpoints are renamed into place when they are whole; one that
// something broke later is passed over.
func (t *Trainer) resume() (*zoo.Model, error) {
	dirs, err := checkpoints(t.Recipe.Output)
	if err != nil || len(dirs) == 0 {
		return nil, err
	}
	for _, dir := range slices.Backward(dirs) {
		m, err := t.open(dir)
		if err == nil {
			return m, nil
		}
		if errors.Is(err, errOther) {
			return nil, err
		}
		t.Broken = append(t.Broken, fmt.Errorf("%s: %w", dir, err))
	}
	return nil, fmt.Errorf("no checkpoint can be read; remove them to begin anew: %w", errors.Join(t.Broken...))
}

// open reads where a checkpoint stands, and its model.
func (t *Trainer) open(dir string) (*zoo.Model, error) {
	if err := t.sameModel(dir); err != nil {
		return nil, err
	}
	s, err := t.readState(dir)
	if err != nil {
		return nil, err
	}
	if err := t.sameData(dir, s.Data); err != nil {
		return nil, err
	}
	s.Data = t.state.Data
	moments, err := openMoments(dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(moments.Close(), t.checkAverage(dir, s), t.checkBest(s)); err != nil {
		return nil, err
	}
	openModel := zoo.OpenDir
	if t.Recipe.Model.LoRA != nil {
		openModel = t.Recipe.openAdapter
	}
	m, err := openModel(dir)
	if err != nil {
		return nil, err
	}
	t.state, t.from, t.saved = s, dir, s.Total
	return m, nil
}

// readState reads trainer_state.json and checks that it is of this recipe.
func (t *Trainer) readState(dir string) (s state, err error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", stateFile, err)
	}
	if len(s.Recipe) == 0 {
		return s, fmt.Errorf("%s: no recipe: it was not written here", stateFile)
	}
	field, err := difference(s.Recipe, t.state.Recipe)
	if err != nil {
		return s, fmt.Errorf("%s: recipe: %w", stateFile, err)
	}
	if field != "" {
		return s, fmt.Errorf("%s: %w: it was made by another recipe: %s differs; give the run another output directory, or remove %s", dir, errOther, field, t.Recipe.Output)
	}
	if s.Stage < 0 || s.Stage > len(t.Recipe.Stages) || s.Step < 0 || s.Total < s.Step || s.Updates < 0 || s.Updates > s.Step {
		return s, fmt.Errorf("%s: stage %d, step %d, total %d, updates %d", stateFile, s.Stage, s.Step, s.Total, s.Updates)
	}
	return s, nil
}

// difference names a field in which two recipes differ, of those that say what
// is computed; "" if there is none.
func difference(a, b json.RawMessage) (string, error) {
	var x, y map[string]any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		return "", err
	}
	for _, free := range []string{"name", "about", "output", "save_every", "keep", "watch"} {
		delete(x, free)
		delete(y, free)
	}
	for _, r := range []map[string]any{x, y} {
		watched(r)
	}
	return firstDifference("", x, y), nil
}

// watched takes out of a recipe what only looks at the run, or stops it.
func watched(recipe map[string]any) {
	stages, _ := recipe["stages"].([]any)
	for _, st := range stages {
		if st, ok := st.(map[string]any); ok {
			delete(st, "measure")
			delete(st, "forget")
			delete(st, "diverge")
		}
	}
}

// firstDifference is the path of the first value that two JSON values do not share.
func firstDifference(path string, a, b any) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	switch a := a.(type) {
	case map[string]any:
		b, _ := b.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(both(a, b))) {
			if p := firstDifference(path+"."+k, a[k], b[k]); p != "" {
				return p
			}
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) == len(b) {
			for i := range a {
				if p := firstDifference(fmt.Sprintf("%s[%d]", path, i), a[i], b[i]); p != "" {
					return p
				}
			}
		}
	}
	return path[min(1, len(path)):]
}

func both(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
