package train

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bestFiles are the best weights that lie in a directory.
func bestFiles(t *testing.T, output string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(output)
	check(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), bestPrefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// impatient is the tiny recipe with a first stage that ends early, and another behind it.
func impatient(r *Recipe) {
	next := r.Stages[0]
	validated(2, worse)(r)
	r.Stages[0].EMA, r.Save = 0.5, 1
	r.Stages = append(r.Stages, next)
}

// A run goes on to the same end from every step, and from the one at which patience
// ran out, whose checkpoint has the best weights.
func TestStopAndResumeOfPatience(t *testing.T) {
	whole := tiny(t, impatient)
	_, steps := runAll(t, whole)
	want := outcomeOf(t, whole.Output)
	for n := 1; n < len(steps); n++ {
		r := tiny(t, impatient)
		runFor(t, r, n)
		runAll(t, r)
		sameOutcome(t, r.Output, want)
	}
	check(t, os.RemoveAll(filepath.Join(whole.Output, finalDir)))
	runAll(t, whole)
	sameOutcome(t, whole.Output, want)
}

// TestBestIsKeptWhileNeeded: the best weights of a stage are there as long as a checkpoint is
// that goes on from within it, so that the newest checkpoints may break, and not longer.
func TestBestIsKeptWhileNeeded(t *testing.T) {
	whole := tiny(t, impatient)
	_, steps := runAll(t, whole)
	if left := bestFiles(t, whole.Output); left != nil {
		t.Errorf("a finished run leaves %v", left)
	}
	want, first := outcomeOf(t, whole.Output), len(steps)-3
	for n := first - 1; n < len(steps); n++ {
		r := tiny(t, impatient)
		runFor(t, r, n)
		needed := n <= first // of two checkpoints one is of the stage and no end of it
		if there := slices.Equal(bestFiles(t, r.Output), []string{"best-1.safetensors"}); there != needed {
			t.Errorf("after step %d of %d and 3, the best weights are there: %v", n, first, there)
		}
		dirs, err := checkpoints(r.Output)
		check(t, err)
		truncate(momentsFile)(t, dirs[len(dirs)-1])
		tr, _ := runAll(t, r)
		if len(tr.Broken) != 1 {
			t.Errorf("passed over %v", tr.Broken)
		}
		sameOutcome(t, r.Output, want)
	}
}

// TestBestIsGone: a checkpoint that needs the best weights is passed over without them, and
// where they are older.
func TestBestIsGone(t *testing.T) {
	for name, tc := range map[string]struct {
		damage func(name string, before []byte) error
		want   string
	}{
		"gone":  {func(name string, _ []byte) error { return os.Remove(name) }, "the best weights of its stage are needed"},
		"older": {func(name string, before []byte) error { return os.WriteFile(name, before, 0o644) }, "is of step 1, and the best was step 3"},
	} {
		t.Run(name, func(t *testing.T) {
			r, other := tiny(t, validated(20)), tiny(t, validated(20))
			r.Save, other.Save = 3, 3 // which two runs have in common
			runFor(t, other, 1)
			runFor(t, r, 3)
			before, err := os.ReadFile(filepath.Join(other.Output, "best-1.safetensors"))
			check(t, err)
			check(t, tc.damage(filepath.Join(r.Output, "best-1.safetensors"), before))
			if _, err := New(r, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestBestOfAnotherStep(t *testing.T) {
	r := tiny(t, validated(20))
	runFor(t, r, 3)
	other := tiny(t, validated(20))
	runFor(t, other, 1)
	best := filepath.Join("best-1.safetensors")
	data, err := os.ReadFile(filepath.Join(other.Output, best))
	check(t, err)
	tr := newTrainer(t, r)
	tr.state.Step, tr.state.Valid.Step = 4, 3 // nothing is left to do
	check(t, os.WriteFile(filepath.Join(r.Output, best), data, 0o644))
	if err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "best-1.safetensors is of step 1, not of step 3") {
		t.Errorf("error %v", err)
	}
}
