package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/internal/tensorboard"
	page "github.com/fovea-ml/fovea/internal/watch"
	"github.com/fovea-ml/fovea/train"
)

// Where a run leaves what can be looked at, in its output directory.
const (
	eventsDir  = "events"
	reportFile = "report.html"
)

// watcher shows what a run does: to TensorBoard, on a page, and on the page that stays.
type watcher struct {
	t      *train.Trainer
	done   int       // updates
	last   time.Time // when the last one ended
	events *tensorboard.Writer
	board  *page.Board
	server *page.Server // nil if nobody can look
	asking *asking      // nil if nobody can look
}

// newWatcher begins to show a run. Without an address it serves no page and asks nothing.
func newWatcher(ctx context.Context, t *train.Trainer, address string) (*watcher, error) {
	w := &watcher{t: t, done: t.Resumed()}
	r := page.Run{Name: t.Recipe.Name, About: t.Recipe.About, Model: t.Model.Family.Architecture, Output: t.Recipe.Output}
	for i, n := range t.Steps() {
		r.Stages = append(r.Stages, page.Stage{Name: t.Recipe.Stages[i].Name, Updates: n})
	}
	w.board = page.NewBoard(r, w.done)
	past, err := t.Past()
	if err != nil {
		return nil, err
	}
	for i, s := range past {
		w.board.Past(point(s, i+1))
	}
	if w.events, err = tensorboard.Create(filepath.Join(t.Recipe.Output, eventsDir), w.done+1, time.Now); err != nil {
		return nil, err
	}
	if address != "" {
		if err := w.serve(ctx, address); err != nil {
			return nil, errors.Join(err, w.events.Close())
		}
	}
	if w.done == 0 {
		if err := w.tellRecipe(); err != nil {
			return nil, err
		}
	}
	w.last = time.Now()
	return w, nil
}

// serve begins to serve the page, and asks for the first time.
func (w *watcher) serve(ctx context.Context, address string) (err error) {
	if w.asking, err = newAsking(w.t); err != nil {
		return err
	}
	if w.server, err = page.Serve(address, w.board); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "watch the run at", w.server.URL())
	w.ask(ctx)
	return nil
}

// tellRecipe has TensorBoard show the recipe, with the curves' first point.
func (w *watcher) tellRecipe() error {
	text, err := json.MarshalIndent(w.t.Recipe, "    ", "  ")
	if err != nil {
		return err
	}
	return w.events.Text(1, "recipe", "    "+string(text)) // indented text is code in Markdown
}

// ask has the samples answered, for the page and for TensorBoard.
func (w *watcher) ask(ctx context.Context) {
	table, err := w.asking.ask(ctx, w.board, w.done)
	w.warn(err)
	if table != "" && w.done > 0 {
		_ = w.events.Text(w.done, "answers", table) // Close tells the error
	}
}

func point(s train.Step, done int) page.Point {
	return page.Point{Step: done, Loss: s.Loss, LR: s.LR, Norm: s.Norm, Tokens: s.Tokens}
}

// step shows an update.
func (w *watcher) step(ctx context.Context, s train.Step) {
	w.done++
	p := point(s, w.done)
	p.Seconds, p.Memory = time.Since(w.last).Seconds(), peakMemory()
	w.board.Add(p)
	_ = w.events.Scalars(w.done, // Close tells the error
		tensorboard.Scalar{Tag: "train/loss", Value: s.Loss},
		tensorboard.Scalar{Tag: "train/lr", Value: s.LR},
		tensorboard.Scalar{Tag: "train/grad_norm", Value: s.Norm},
		tensorboard.Scalar{Tag: "train/tokens_per_second", Value: float64(s.Tokens) / max(p.Seconds, 1e-9)})
	if w.asking != nil && w.asking.due(w.done) {
		w.ask(ctx)
	}
	w.last = time.Now()
}

// end shows how the run ended, and leaves the page.
func (w *watcher) end(ctx context.Context, err error) {
	status, note := page.Finished, ""
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		status = page.Stopped
	case err != nil:
		status, note = page.Failed, err.Error()
	case w.asking != nil:
		w.ask(ctx)
	}
	w.board.End(status, note)
	report, err := w.board.Report()
	if err == nil {
		err = checkpoint.WriteFileAtomic(filepath.Join(w.t.Recipe.Output, reportFile), report)
	}
	w.warn(err)
	w.warn(w.events.Close())
	if w.server != nil {
		w.warn(w.server.Close())
	}
}

// warn tells of what fails besides the training, which goes on.
func (w *watcher) warn(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "fovea:", oneLine(err))
	}
}
