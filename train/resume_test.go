package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run stopped at any step goes on to the same end: within a stage, exactly at
// a stage's end (3), within accumulated steps, and before the last.
func TestStopAndResume(t *testing.T) {
	want := uninterruptedTiny(t)
	for n := 1; n <= 6; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := tiny(t)
			runFor(t, r, n)
			tr, steps := runAll(t, r)
			if tr.Resumed() != 7 || len(steps) != 7-n {
				t.Errorf("%d steps more, to %d", len(steps), tr.Resumed())
			}
			sameOutcome(t, r.Output, want)
		})
	}
}

func TestRunOfFinishedRun(t *testing.T) {
	r := tiny(t)
	runAll(t, r)
	want := outcomeOf(t, r.Output)
	check(t, os.RemoveAll(filepath.Join(r.Output, finalDir)))
	if _, steps := runAll(t, r); len(steps) != 0 {
		t.Errorf("%d steps more", len(steps))
	}
	sameOutcome(t, r.Output, want)
}

// What a crash, a full disk or a person may leave of the newest checkpoint.
func TestBrokenCheckpoints(t *testing.T) {
	want, stopped := uninterruptedTiny(t), tiny(t)
	runFor(t, stopped, 6)
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, newest string)
		broken string // the message about it
	}{
		{"unfinished", func(t *testing.T, newest string) {
			check(t, os.Rename(newest, newest+".tmp"))
		}, ""},
		{"no state", func(t *testing.T, newest string) {
			check(t, os.Remove(filepath.Join(newest, stateFile)))
		}, stateFile},
		{"empty state", func(t *testing.T, newest string) {
			check(t, os.WriteFile(filepath.Join(newest, stateFile), nil, 0o644))
		}, stateFile},
		{"state of another program", func(t *testing.T, newest string) {
			check(t, os.WriteFile(filepath.Join(newest, stateFile), []byte(`{"global_step": 6}`), 0o644))
		}, "it was not written here"},
		{"impossible state", func(t *testing.T, newest string) {
			text := strings.Replace(readText(t, newest, stateFile), `"stage": 1`, `"stage": 9`, 1)
			check(t, os.WriteFile(filepath.Join(newest, stateFile), []byte(text), 0o644))
		}, "stage 9"},
		{"truncated weights", truncate("model.safetensors"), "model.safetensors"},
		{"truncated moments", truncate(momentsFile), momentsFile},
		{"no config", func(t *testing.T, newest string) {
			check(t, os.Remove(filepath.Join(newest, "config.json")))
		}, "config.json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := tiny(t, func(r *Recipe) { r.Output = filepath.Join(t.TempDir(), "copy") })
			check(t, os.CopyFS(r.Output, os.DirFS(stopped.Output)))
			dirs, err := checkpoints(r.Output)
			check(t, err)
			tc.damage(t, dirs[len(dirs)-1])
			tr := newTrainer(t, r)
			if tr.Resumed() != 4 {
				t.Errorf("resumed after %d steps, want 4", tr.Resumed())
			}
			if got := errors.Join(tr.Broken...); (got == nil) != (tc.broken == "") || got != nil && !strings.Contains(got.Error(), tc.broken) {
				t.Errorf("Broken is %v, want %q", got, tc.broken)
			}
			check(t, tr.Run(t.Context()))
			sameOutcome(t, r.Output, want)
		})
	}
}

func truncate(file string) func(*testing.T, string) {
	return func(t *testing.T, newest string) {
		name := filepath.Join(newest, file)
		info, err := os.Stat(name)
		check(t, err)
		check(t, os.Truncate(name, info.Size()-1))
	}
}

func TestNoCheckpointCanBeRead(t *testing.T) {
	r := tiny(t, func(r *Recipe) { r.Keep = 1 })
	runFor(t, r, 2)
	truncate(momentsFile)(t, filepath.Join(r.Output, "checkpoint-000002"))
	if _, err := New(r, nil); err == nil || !strings.Contains(err.Error(), "no checkpoint can be read") {
		t.Errorf("error %v", err)
	}
}

func TestKeptCheckpoints(t *testing.T) {
	r := tiny(t)
	check(t, os.MkdirAll(filepath.Join(r.Output, "checkpoint-1000000.tmp"), 0o755))
	check(t, os.MkdirAll(filepath.Join(r.Output, "checkpoint-best"), 0o755))
	runAll(t, r)
	names, err := filepath.Glob(filepath.Join(r.Output, "checkpoint-*"))
	check(t, err)
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	if got := strings.Join(names, " "); got != "checkpoint-000006 checkpoint-000007 checkpoint-best" {
		t.Errorf("kept %s", got)
	}
}

func TestResumeWithAnotherRecipe(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Recipe)
		want   string // "" if the run goes on
	}{
		{"rate", func(r *Recipe) { r.Stages[1].LR = 0.02 }, "stages[1].lr differs"},
		{"data", func(r *Recipe) { r.Stages[0].Data[0].Count = 21 }, "stages[0].data[0].count differs"},
		{"stages", func(r *Recipe) { r.Stages = r.Stages[:1] }, "stages differs"},
		{"field that was absent", func(r *Recipe) { r.Stages[0].MaxTokens = 9 }, "stages[0].max_tokens differs"},
		{"field that is absent", func(r *Recipe) { r.Stages[1].Groups = nil }, "stages[1].groups differs"},
		{"what computes nothing", func(r *Recipe) { r.Name, r.About, r.Save, r.Keep = "x", "y", 3, 1 }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := tiny(t)
			runFor(t, r, 1)
			tc.change(r)
			tr, err := New(r, nil)
			if tc.want == "" {
				check(t, err)
				check(t, tr.Close())
			} else if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), r.Output) {
				t.Errorf("error %v, want %q and the directory", err, tc.want)
			}
		})
	}
}

func TestMovedOutput(t *testing.T) {
	want, r := uninterruptedTiny(t), tiny(t)
	runFor(t, r, 4)
	moved := filepath.Join(t.TempDir(), "moved")
	check(t, os.Rename(r.Output, moved))
	r.Output = moved
	runAll(t, r)
	sameOutcome(t, moved, want)
}

func TestLogShorterThanCheckpoint(t *testing.T) {
	r := tiny(t)
	runFor(t, r, 3)
	check(t, os.Remove(filepath.Join(r.Output, logFile)))
	if err := newTrainer(t, r).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "fewer lines than the 3 steps") {
		t.Errorf("error %v", err)
	}
}
