package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/checkpoint"
)

// Step is a line of log.jsonl. It holds nothing that depends on the clock, so
// that two runs of a recipe can be compared with diff.
type Step struct {
	Stage    string  `json:"stage"`
	Step     int     `json:"step"` // updates of the stage so far, this one included
	Of       int     `json:"of"`
	Loss     float64 `json:"loss"` // mean over the labelled tokens of the batch, of what each loses times its weight
	LR       float64 `json:"lr"`
	Norm     float64 `json:"grad_norm"` // before clipping
	Tokens   int     `json:"tokens"`    // run, placeholders included
	Labelled int     `json:"labelled"`
	Valid    float64 `json:"valid,omitempty"`   // loss of the samples that the stage is validated with, if they were measured
	Skipped  int     `json:"skipped,omitempty"` // samples that taught nothing
	Broken   int     `json:"broken,omitempty"`  // samples that could not be read

	Terms map[string]float64 `json:"terms,omitempty"` // of which the loss is the sum, where it has several
}

const logFile = "log.jsonl"

// logbook is log.jsonl of an output directory.
type logbook struct{ f *os.File }

// openLog opens the log and drops the lines behind the first n, which belong to
// steps that were run but not saved.
func openLog(dir string, n int) (*logbook, error) {
	name := filepath.Join(dir, logFile)
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	kept, err := firstLines(old, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkpoint.WriteFileAtomic(name, kept); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &logbook{f}, nil
}

func firstLines(data []byte, n int) ([]byte, error) {
	var out []byte
	lines := bufio.NewScanner(bytes.NewReader(data))
	for range n {
		if !lines.Scan() {
			return nil, fmt.Errorf("fewer lines than the %d steps of the checkpoint", n)
		}
		out = append(append(out, lines.Bytes()...), '\n')
	}
	return out, nil
}

// Past are the steps that were done before this process began. It must not be called
// after Run.
func (t *Trainer) Past() ([]Step, error) {
	if t.state.Total == 0 {
		return nil, nil
	}
	name := filepath.Join(t.Recipe.Output, logFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	past := make([]Step, 0, min(t.state.Total, len(text)))
	d := json.NewDecoder(bytes.NewReader(text))
	for range t.state.Total {
		var s Step
		if err := d.Decode(&s); err != nil {
			return nil, fmt.Errorf("train: %s: line %d: %w", name, len(past)+1, err)
		}
		past = append(past, s)
	}
	return past, nil
}

func (l *logbook) add(s Step) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = l.f.Write(append(line, '\n'))
	return err
}

// sync puts the lines so far onto the disk. A checkpoint counts on them.
func (l *logbook) sync() error { return l.f.Sync() }

func (l *logbook) close() error { return l.f.Close() }
