package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// plainEvery is how often a progress is told where no terminal is.
const plainEvery = 5 * time.Second

// progress tells on standard error how far a long run is: a bar on a terminal,
// else a line every few seconds. It is used by one goroutine.
type progress struct {
	total, first, done int
	began, told        time.Time

	bars *mpb.Progress // nil without a terminal
	bar  *mpb.Bar
	note atomic.Pointer[string] // read by the goroutine that draws
	out  io.Writer              // of lines; nil is quiet
}

// newProgress starts at first of total.
func newProgress(first, total int, quiet bool) *progress {
	p := &progress{total: total, first: first, done: first, began: time.Now(), told: time.Now()}
	p.note.Store(new(string))
	switch {
	case quiet:
	case !terminal(os.Stderr):
		p.out = os.Stderr
	default:
		p.bars = mpb.New(mpb.WithOutput(os.Stderr), mpb.WithWidth(32), mpb.WithRefreshRate(200*time.Millisecond))
		p.bar = p.bars.New(int64(total), mpb.BarStyle().Lbound(" ").Filler("━").Tip("━").Padding("─").Rbound(" "),
			mpb.PrependDecorators(decor.CountersNoUnit("%d/%d", decor.WCSyncWidth), decor.Percentage(decor.WC{W: 5})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *p.note.Load() })))
		p.bar.SetCurrent(int64(first))
	}
	return p
}

// of changes what the whole is.
func (p *progress) of(total int) *progress {
	p.total = total
	if p.bar != nil {
		p.bar.SetTotal(int64(total), false)
	}
	return p
}

// at says how much is done, with what to tell besides.
func (p *progress) at(done int, note string) {
	p.done = done
	note = fmt.Sprintf("%s  %s left", note, clock(p.left()))
	p.note.Store(&note)
	if p.bar != nil {
		p.bar.SetCurrent(int64(done))
	}
	if p.out != nil && (time.Since(p.told) >= plainEvery || done == p.total) {
		p.told = time.Now()
		fmt.Fprintf(p.out, "%d/%d  %s\n", done, p.total, note)
	}
}

// left estimates the time that the rest takes.
func (p *progress) left() time.Duration {
	done := max(1, p.done-p.first)
	return time.Duration(float64(time.Since(p.began)) / float64(done) * float64(p.total-p.done))
}

// end leaves the bar as it is.
func (p *progress) end() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(false) // no effect on a full bar
	p.bars.Wait()
}

// clock shows a duration as people read it: 1:02:03 or 2:03.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
