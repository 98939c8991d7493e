package train

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
)

// TestAnswersLeaveNoTrace asks after every step, before the first and behind the last,
// and wants the log and the weights of a run that is never asked.
func TestAnswersLeaveNoTrace(t *testing.T) {
	want := uninterruptedTiny(t)
	pool := kernel.NewPool(2)
	defer pool.Close()
	r := tiny(t)
	tr, err := New(r, pool)
	check(t, err)
	defer tr.Close()
	samples, err := tr.Samples(1, 3, 5)
	check(t, err)
	if len(samples) != 3 {
		t.Fatalf("%d samples", len(samples))
	}
	a := tr.Asker(samples, 5)
	answers := map[string]bool{}
	ask := func() {
		for _, s := range samples {
			text, err := a.Answer(t.Context(), s)
			check(t, err)
			answers[text] = true
		}
	}
	ask()
	tr.OnStep = func(Step) { ask() }
	check(t, tr.Run(t.Context()))
	ask()
	sameOutcome(t, r.Output, want)
	if len(answers) < 2 {
		t.Errorf("all answers are %v: the model of the moment was not asked", answers)
	}
}

func TestSamplesAreTheSameEveryTime(t *testing.T) {
	tr := newTrainer(t, tiny(t))
	first, err := tr.Samples(0, 4, 5)
	check(t, err)
	again, err := tr.Samples(0, 4, 5)
	check(t, err)
	seen := map[string]bool{}
	for i, s := range first {
		if s.Question == "" || s.Answer == "" || len(s.Pictures) != 1 || strings.Contains(s.Question, "<image>") {
			t.Errorf("sample %d: %q %q with %d pictures", i, s.Question, s.Answer, len(s.Pictures))
		}
		if !reflect.DeepEqual(s, again[i]) {
			t.Errorf("sample %d is another one", i)
		}
		seen[string(s.Pictures[0].Pix)] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d pictures in 4 samples", len(seen))
	}
	if none, err := tr.Samples(0, 4, 1<<20); err != nil || len(none) != 0 {
		t.Errorf("%d samples with answers longer than the context, %v", len(none), err)
	}
}

func TestWatchSource(t *testing.T) {
	tr := newTrainer(t, tiny(t, func(r *Recipe) {
		r.Watch = &Source{Format: "scenes", Seed: 9, Count: 2, Questions: 4, Types: []string{"caption"}}
	}))
	samples, err := tr.Samples(1, 6, 5)
	check(t, err)
	if len(samples) > 2 {
		t.Errorf("%d samples of a source of 2", len(samples))
	}
	bad := tiny(t)
	bad.Watch = &Source{Format: "easy-vqa", Path: "testdata/nowhere"}
	if _, err := newTrainer(t, bad).Samples(0, 6, 5); err == nil || !strings.Contains(err.Error(), "watch: ") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a source that is not there: %v", err)
	}
	bad.Watch = &Source{Format: "films"}
	if err := bad.check(); err == nil || !strings.Contains(err.Error(), "watch: format") {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestPast(t *testing.T) {
	r := tiny(t)
	runFor(t, r, 4)
	tr := newTrainer(t, r)
	past, err := tr.Past()
	check(t, err)
	if len(past) != 4 || past[3].Stage != "instruct" || past[3].Step != 1 || past[3].Loss == 0 {
		t.Errorf("past steps: %v", past)
	}
	check(t, os.WriteFile(filepath.Join(r.Output, logFile), []byte("{}\n{"), 0o644))
	if _, err := tr.Past(); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a broken log: %v", err)
	}
}

func TestAnswerStopsWithItsContext(t *testing.T) {
	tr := newTrainer(t, tiny(t))
	samples, err := tr.Samples(0, 1, 5)
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := tr.Asker(samples, 5).Answer(ctx, samples[0]); err == nil {
		t.Error("an answer in spite of a cancelled context")
	}
}
