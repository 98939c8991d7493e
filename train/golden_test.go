package train

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
	"github.com/fovea-ml/fovea/kernel"
)

// testdata/golden.jsonl is the log of the tiny recipe. With assembly kernels a
// run is the same to the last digit; the Go reference rounds twice where they
// fuse. It changes only together with what a recipe computes: samples, first
// weights, vocabulary, arithmetic.
func TestGoldenLog(t *testing.T) {
	want := readText(t, "testdata/golden.jsonl")
	cputest.TestAll(t, kernel.Impls, func(t *testing.T) {
		r := tiny(t)
		runAll(t, r)
		got := readText(t, r.Output, logFile)
		if kernel.Name() == "generic" {
			nearLog(t, got, want)
		} else if got != want {
			t.Errorf("log\n%s\nwant\n%s", got, want)
		}
	})
}

func nearLog(t *testing.T, got, want string) {
	t.Helper()
	a, b := parseLog(t, got), parseLog(t, want)
	if len(a) != len(b) {
		t.Fatalf("%d steps, want %d", len(a), len(b))
	}
	for i := range a {
		loss, norm := math.Abs(a[i].Loss-b[i].Loss), math.Abs(a[i].Norm-b[i].Norm)
		if loss > 1e-3*b[i].Loss || norm > 1e-2*b[i].Norm {
			t.Errorf("step %d: loss %v, norm %v; want %v, %v", i+1, a[i].Loss, a[i].Norm, b[i].Loss, b[i].Norm)
		}
		a[i].Loss, a[i].Norm, a[i].LR = b[i].Loss, b[i].Norm, b[i].LR
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Errorf("step %d: %+v, want %+v", i+1, a[i], b[i])
		}
	}
}

func parseLog(t *testing.T, text string) (steps []Step) {
	t.Helper()
	for line := range strings.Lines(text) {
		var s Step
		check(t, json.Unmarshal([]byte(line), &s))
		steps = append(steps, s)
	}
	return steps
}
