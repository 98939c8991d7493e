// Package tensorboard writes event files that TensorBoard reads: scalars and texts
// by step. A file is a list of records, and a record an Event message; see
// https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto.
package tensorboard

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// prefix begins the names of event files; the second in which they were made follows.
const prefix = "events.out.tfevents."

// flushEvery bounds what a killed process loses.
const flushEvery = 2 * time.Second

// Writer writes one event file. It is used by one goroutine. Its first error is that
// of all calls after it.
type Writer struct {
	f       *os.File
	w       *bufio.Writer
	now     func() time.Time
	flushed time.Time
	err     error
}

// Scalar is a value of a curve.
type Scalar struct {
	Tag   string
	Value float64
}

// Create begins a file in dir, which it makes, for a process that writes steps from
// first on. Of the files that are there, TensorBoard then forgets the steps from
// first on: those of a run that was stopped and goes on from an earlier step.
func Create(dir string, first int, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	second, err := nextSecond(dir, now().Unix())
	if err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	name := filepath.Join(dir, fmt.Sprintf("%s%010d.fovea", prefix, second))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	w := &Writer{f: f, w: bufio.NewWriter(f), now: now, flushed: now()}
	w.add(versionEvent(now()))
	w.add(startEvent(now(), int64(first)))
	w.flush()
	if w.err != nil {
		return nil, errors.Join(w.err, f.Close())
	}
	return w, nil
}

// nextSecond is now, or later if there is a file of now or later: TensorBoard reads
// the files of a directory in the order of their names.
func nextSecond(dir string, now int64) (int64, error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		digits, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.ParseInt(digits, 10, 64); ok && err == nil && n >= now && n < now+1<<30 {
			now = n + 1
		}
	}
	return now, err
}

// Scalars adds the values of a step.
func (w *Writer) Scalars(step int, values ...Scalar) error {
	w.add(scalarsEvent(w.now(), int64(step), values))
	return w.passed()
}

// Text adds a text of a step, shown as Markdown.
func (w *Writer) Text(step int, tag, text string) error {
	w.add(textEvent(w.now(), int64(step), tag, text))
	return w.passed()
}

// Close writes what is left.
func (w *Writer) Close() error {
	w.flush()
	return errors.Join(w.err, w.f.Close())
}

// add writes a record.
func (w *Writer) add(event []byte) {
	if w.err == nil {
		if _, err := w.w.Write(record(event)); err != nil {
			w.err = fmt.Errorf("tensorboard: %w", err)
		}
	}
}

// passed flushes when it is time to.
func (w *Writer) passed() error {
	if now := w.now(); now.Sub(w.flushed) >= flushEvery {
		w.flushed = now
		w.flush()
	}
	return w.err
}

func (w *Writer) flush() {
	if w.err != nil {
		return
	}
	if err := w.w.Flush(); err != nil {
		w.err = fmt.Errorf("tensorboard: %w", err)
	}
}
