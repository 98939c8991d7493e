//go:build unix

package train

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A disk that is full is a limit on the size of files here: the checkpoints of the
// first stage fit, those of the second, with more moments, do not.
func TestDiskThatFillsUpWhileSaving(t *testing.T) {
	want := uninterruptedTiny(t)
	r := tiny(t)
	weights, err := os.Stat(filepath.Join(runFor(t, tiny(t), 1).Recipe.Output, "checkpoint-000001", "model.safetensors"))
	check(t, err)
	cmd := exec.Command("sh", "-c", fmt.Sprintf("ulimit -f %d && exec %q", 2+weights.Size()/512, os.Args[0]))
	cmd.Env = append(os.Environ(), childOutput+"="+r.Output, childName+"=")
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"saving after step 4 takes 0.", "MB in " + r.Output, "optimizer.safetensors", "the checkpoint of step 2 stays", "when there is room"} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s\nwant %q", err, out, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(r.Output, "checkpoint-*"))
	check(t, err)
	if len(left) != 1 || filepath.Base(left[0]) != "checkpoint-000002" {
		t.Errorf("left are %v", left)
	}
	tr, _ := runAll(t, r)
	if len(tr.Broken) > 0 {
		t.Error(tr.Broken)
	}
	sameOutcome(t, r.Output, want)
}
