//go:build unix

package train

import (
	"syscall"
	"testing"
)

func TestTermSavesAndLeaves(t *testing.T) {
	want := uninterruptedTiny(t)
	r := tiny(t)
	cmd, lines := startChild(t, "", r.Output)
	if !lines.Scan() {
		t.Fatal("no step")
	}
	check(t, cmd.Process.Signal(syscall.SIGTERM))
	for lines.Scan() { // to the end of its output
	}
	check(t, cmd.Wait())
	dirs, err := checkpoints(r.Output)
	check(t, err)
	if len(dirs) == 0 {
		t.Fatal("nothing was saved")
	}
	runAll(t, r)
	sameOutcome(t, r.Output, want)
}
