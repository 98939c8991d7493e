package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	t       *train.Trainer
	done    int       // updates
	stage   int       // index of that of the next update, unless it ends early
	inStage bool      // some of its updates are done
	last    time.Time // when the last one ended
	events  *tensorboard.Writer
	board   *page.Board
	server  *page.Server // nil if nobody can look
	asking  *asking      // nil if nobody can look
}

// newWatcher begins to show a run. Without an address it serves no page and asks nothing.
func newWatcher(ctx context.Context, t *train.Trainer, address string) (*watcher, error) {
	w := &watcher{t: t}
	r := page.Run{Name: t.Recipe.Name, About: t.Recipe.About, Model: t.Model.Family.Architecture, Output: t.Recipe.Output}
	for i, n := range t.Steps() {
		r.Stages = append(r.Stages, page.Stage{Name: t.Recipe.Stages[i].Name, Updates: n})
	}
	w.board = page.NewBoard(r, t.Resumed())
	past, err := t.Past()
	if err != nil {
		return nil, err
	}
	for _, s := range past {
		w.board.Past(w.point(s))
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
	table, err := w.asking.ask(ctx, w.board, w.stage, w.done)
	w.warn(err)
	if table != "" && w.done > 0 {
		_ = w.events.Text(w.done, "answers", table) // Close tells the error
	}
}

// point is an update as the page shows it, and moves on behind it.
func (w *watcher) point(s train.Step) page.Point {
	if s.Step == 1 && w.inStage {
		w.stage++ // the one before ended early
	}
	w.done++
	p := page.Point{
		Step: w.done, Stage: w.stage, Loss: s.Loss, Terms: s.Terms, Valid: s.Valid, LR: s.LR, Norm: s.Norm,
		Tokens: s.Tokens, Skipped: s.Skipped, Broken: s.Broken,
	}
	if w.inStage = s.Step < s.Of || w.stage == len(w.t.Recipe.Stages)-1; !w.inStage {
		w.stage++
	}
	return p
}

// step shows an update.
func (w *watcher) step(ctx context.Context, s train.Step) {
	p := w.point(s)
	p.Seconds, p.Memory = time.Since(w.last).Seconds(), peakMemory()
	w.board.Add(p)
	_ = w.events.Scalars(w.done, scalars(s, p.Seconds)...) // Close tells the error
	if w.asking != nil && w.asking.due(w.stage) {
		w.ask(ctx)
	}
	w.last = time.Now()
}

// scalars are the curves of an update for TensorBoard.
func scalars(s train.Step, took float64) []tensorboard.Scalar {
	all := []tensorboard.Scalar{
		{Tag: "train/loss", Value: s.Loss},
		{Tag: "train/lr", Value: s.LR},
		{Tag: "train/grad_norm", Value: s.Norm},
		{Tag: "train/tokens_per_second", Value: float64(s.Tokens) / max(took, 1e-9)},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Terms)) {
		all = append(all, tensorboard.Scalar{Tag: "train/" + name, Value: s.Terms[name]})
	}
	if s.Valid != 0 {
		all = append(all, tensorboard.Scalar{Tag: "valid/loss", Value: s.Valid})
	}
	return all
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
