package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

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
