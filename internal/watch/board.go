// Package watch shows a training run on a page: curves, what the model answers by now,
// how far the run is and how fast. A Board is what the page shows, a Server serves it
// while the run goes on, and Report is the same page as one file. The page needs
// nothing from elsewhere.
package watch

import (
	"image"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Run is what is known of a run before it begins.
type Run struct {
	Name   string  `json:"name"`
	About  string  `json:"about"`
	Model  string  `json:"model"` // its architecture
	Output string  `json:"output"`
	Stages []Stage `json:"-"`
}

// Point is one update.
type Point struct {
	Step    int // updates of all stages so far, this one included
	Stage   int // index of its stage
	Loss    float64
	Terms   map[string]float64 // of the loss, by name; may be nil
	Valid   float64            // loss of validation behind it; 0 if there was none
	LR      float64
	Norm    float64 // of the gradient
	Tokens  int
	Skipped int     // samples that taught nothing
	Broken  int     // samples that could not be read
	Seconds float64 // that it took; 0 if it is not known
	Memory  int64   // bytes that the process has held at most
}

// Sample is a question about pictures.
type Sample struct {
	Pictures []image.Image
	Question string
	Answer   string // the right one
}

// Said is an answer of the model.
type Said struct {
	Step  int    `json:"step"`
	Text  string `json:"text"`
	Right bool   `json:"right"` // it is the right answer
}

// Board is what a page shows. Its methods may be called by several goroutines.
type Board struct {
	mu      sync.Mutex
	now     func() time.Time
	began   time.Time
	done    int // updates before this process began
	shown   state
	stages  stages
	curve   curve
	samples []*sample
	version int // of the samples
}

// The values of state.Status.
const (
	running  = "running"
	Finished = "finished" // the run came to its end
	Stopped  = "stopped"  // it can go on
	Failed   = "failed"
)

// state is what the page reads, as JSON.
type state struct {
	ID      string  `json:"id"` // of the board
	Run     Run     `json:"run"`
	Status  string  `json:"status"`
	Note    string  `json:"note"` // why it failed
	Step    int     `json:"step"`
	Elapsed float64 `json:"elapsed"` // seconds of this process
	Left    float64 `json:"left"`    // seconds, estimated
	Memory  int64   `json:"memory"`
	Skipped int     `json:"skipped"` // samples
	Broken  int     `json:"broken"`  // samples

	Stages  []stage       `json:"stages"`
	Stride  int           `json:"stride"` // updates of a point
	From    int           `json:"from"`   // points that the reader has and keeps
	Curve   columns       `json:"curve"`
	Samples []sampleState `json:"samples"`
}

// NewBoard shows a run of which so many updates were done before.
func NewBoard(r Run, done int) *Board { return newBoard(r, done, time.Now) }

func newBoard(r Run, done int, now func() time.Time) *Board {
	b := &Board{now: now, began: now(), done: done, curve: curve{stride: 1, terms: map[string]bool{}}, stages: newStages(r.Stages, done)}
	b.shown = state{ID: strconv.FormatInt(b.began.UnixNano(), 36), Run: r, Status: running, Step: done}
	return b
}

// Past adds updates that were done before this process began.
func (b *Board) Past(points ...Point) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range points {
		b.add(p)
	}
}

// Add adds an update.
func (b *Board) Add(p Point) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(p)
	b.shown.Step, b.shown.Memory = p.Step, p.Memory
	each := b.now().Sub(b.began).Seconds() / float64(max(1, p.Step-b.done))
	b.shown.Left = each * float64(b.stages.updates()-p.Step)
}

func (b *Board) add(p Point) {
	b.curve.add(p)
	b.stages.add(p)
	b.shown.Skipped += p.Skipped
	b.shown.Broken += p.Broken
}

// Show puts other samples onto the page.
func (b *Board) Show(samples []Sample) error {
	var all []*sample
	for _, s := range samples {
		made, err := newSample(s)
		if err != nil {
			return err
		}
		all = append(all, made)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.samples = all
	b.version++
	return nil
}

// Answer adds what the model says to a sample.
func (b *Board) Answer(sample int, said Said) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.samples[sample].add(said)
}

// End says how the run ended, and maybe why.
func (b *Board) End(status, note string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown.Status, b.shown.Note = status, note
	b.shown.Elapsed = b.now().Sub(b.began).Seconds()
	if status == Finished {
		b.stages.end()
	}
}

// state is what a reader lacks who has so many points of a stride. The URLs of
// pictures are those of the server, or all of the pictures.
func (b *Board) state(have, stride int, url func(version, sample, picture int, p picture) string) state {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shown
	if s.Status == running {
		s.Elapsed = b.now().Sub(b.began).Seconds()
	}
	points := b.curve.all()
	if stride == b.curve.stride && have > 0 && have <= len(points) {
		s.From = have - 1 // the last one may have changed
	}
	s.Stride, s.Curve, s.Stages = b.curve.stride, b.curve.columns(points[s.From:]), slices.Clone(b.stages.all)
	for i, x := range b.samples {
		shown := sampleState{Question: x.question, Answer: x.answer, Said: slices.Clone(x.said)}
		for k, p := range x.pictures {
			shown.Pictures = append(shown.Pictures, url(b.version, i, k, p))
		}
		s.Samples = append(s.Samples, shown)
	}
	return s
}

// picture is one of a sample's, if it is there.
func (b *Board) picture(sample, k int) (picture, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sample < 0 || sample >= len(b.samples) || k < 0 || k >= len(b.samples[sample].pictures) {
		return picture{}, false
	}
	return b.samples[sample].pictures[k], true
}
