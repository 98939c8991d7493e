package main

import (
	"time"

	"github.com/fovea-ml/fovea/train"
)

// meter smooths what the progress of a training run shows.
type meter struct {
	loss float64 // over some ten updates
	rate float64 // tokens a second

	steps, tokens int
	since         time.Time
}

func newMeter() *meter { return &meter{since: time.Now()} }

func (m *meter) add(s train.Step) {
	m.steps++
	m.loss += (s.Loss - m.loss) / float64(min(m.steps, 10))
	m.tokens += s.Tokens
	d := time.Since(m.since)
	if m.rate != 0 && d < time.Second {
		return
	}
	now := float64(m.tokens) / max(d.Seconds(), 1e-9)
	if m.rate == 0 {
		m.rate = now
	}
	m.rate += (now - m.rate) / 3
	m.tokens, m.since = 0, time.Now()
}
