package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	page "github.com/fovea-ml/fovea/internal/watch"
	"github.com/fovea-ml/fovea/train"
)

// TestStageOfUpdates follows a run of which the first stage and the third end early.
func TestStageOfUpdates(t *testing.T) {
	w := &watcher{t: &train.Trainer{Recipe: &train.Recipe{Stages: make([]train.Stage, 4)}}}
	for i, tc := range []struct{ step, of, stage, next int }{
		{1, 3, 0, 0}, {2, 3, 0, 0}, {1, 2, 1, 1}, {2, 2, 1, 2}, {1, 9, 2, 2}, {1, 1, 3, 3},
	} {
		p := w.point(train.Step{Step: tc.step, Of: tc.of})
		if p.Step != i+1 || p.Stage != tc.stage || w.stage != tc.next {
			t.Errorf("update %d: step %d of stage %d, then %d; want %d, then %d", i+1, p.Step, p.Stage, w.stage, tc.stage, tc.next)
		}
	}
}

// TestShownOfAnUpdate: all that the log has is on the page, and its curves in TensorBoard.
func TestShownOfAnUpdate(t *testing.T) {
	s := train.Step{Step: 1, Of: 2, Loss: 3, LR: 1, Norm: 2, Tokens: 8, Valid: 5, Skipped: 6, Broken: 7, Terms: map[string]float64{"itm": 1, "itc": 2}}
	w := &watcher{t: &train.Trainer{Recipe: &train.Recipe{Stages: make([]train.Stage, 1)}}}
	want := page.Point{Step: 1, Loss: 3, LR: 1, Norm: 2, Tokens: 8, Valid: 5, Skipped: 6, Broken: 7, Terms: s.Terms}
	if got := w.point(s); !reflect.DeepEqual(got, want) {
		t.Errorf("page: %+v, want %+v", got, want)
	}
	curves := "[{train/loss 3} {train/lr 1} {train/grad_norm 2} {train/tokens_per_second 4} {train/itc 2} {train/itm 1} {valid/loss 5}]"
	if got := fmt.Sprint(scalars(s, 2)); got != curves {
		t.Errorf("TensorBoard: %s, want %s", got, curves)
	}
}

var watchURL = regexp.MustCompile(`http://\S+/`)

// watched runs fovea, reads its page as a browser does until there are curves and
// answers, and ends it by SIGTERM.
func watched(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) > 0, "watched ARG...")
	cmd := exec.Command("fovea", args...)
	cmd.Dir = ts.MkAbs(".")
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer cmd.Process.Kill()
	url := ""
	lines := bufio.NewScanner(stderr)
	for url == "" && lines.Scan() {
		url = watchURL.FindString(lines.Text())
	}
	if url == "" {
		ts.Fatalf("no URL of the page")
	}
	go io.Copy(io.Discard, stderr)
	if page := httpGet(ts, url); !strings.Contains(page, "<svg") {
		ts.Fatalf("the page has no chart: %s", page)
	}
	picture := awaitCurves(ts, url)
	if data := httpGet(ts, url+picture); !strings.HasPrefix(data, "\x89PNG") {
		ts.Fatalf("%s is no PNG", picture)
	}
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		ts.Fatalf("after SIGTERM: %v", err)
	}
}

// awaitCurves reads the state of a run until it has some points and all answers, and
// returns where a picture is.
func awaitCurves(ts *testscript.TestScript, url string) (picture string) {
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		var s struct {
			Status  string
			Curve   struct{ Step, Loss, LR, Norm, Rate []float64 }
			Samples []struct {
				Pictures []string
				Answer   string
				Said     []struct{ Text string }
			}
		}
		ts.Check(json.Unmarshal([]byte(httpGet(ts, url+"state")), &s))
		n := len(s.Curve.Step)
		if s.Status != "running" || len(s.Curve.Loss) != n || len(s.Curve.LR) != n || len(s.Curve.Norm) != n || len(s.Curve.Rate) != n {
			ts.Fatalf("state: %+v", s)
		}
		if n >= 3 && len(s.Samples) == 6 && len(s.Samples[5].Said) > 0 {
			return s.Samples[5].Pictures[0]
		}
	}
	ts.Fatalf("no curves")
	return ""
}

func httpGet(ts *testscript.TestScript, url string) string {
	r, err := http.Get(url)
	ts.Check(err)
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	ts.Check(err)
	return string(data)
}
