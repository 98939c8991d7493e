package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// childOutput, if set, makes the test binary a program that trains the tiny
// recipe, or that of the name, into that directory, so that tests can kill it.
const (
	childOutput = "FOVEA_TEST_TRAIN"
	childName   = "FOVEA_TEST_TRAIN_NAME"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childOutput)
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := trainChild(ctx, dir); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// trainChild tells every step on a line of its own.
func trainChild(ctx context.Context, dir string) error {
	r, err := killedRecipe(os.Getenv(childName), dir)
	if err != nil {
		return err
	}
	t, err := New(r, nil)
	if err != nil {
		return err
	}
	t.OnStep = func(s Step) { fmt.Println(s.Stage, s.Step) }
	return t.Run(ctx)
}

// tiny is the recipe of testdata/tiny.json with an output directory of the test.
func tiny(t *testing.T, changes ...func(*Recipe)) *Recipe {
	t.Helper()
	r, err := ReadRecipe("testdata/tiny.json")
	check(t, err)
	r.Output = t.TempDir()
	for _, change := range changes {
		change(r)
	}
	check(t, r.check())
	return r
}

func newTrainer(t *testing.T, r *Recipe) *Trainer {
	t.Helper()
	tr, err := New(r, nil)
	check(t, err)
	t.Cleanup(func() { check(t, tr.Close()) })
	return tr
}

// runAll runs a recipe to its end and returns the steps of this process.
func runAll(t *testing.T, r *Recipe) (tr *Trainer, steps []Step) {
	t.Helper()
	tr = newTrainer(t, r)
	tr.OnStep = func(s Step) { steps = append(steps, s) }
	check(t, tr.Run(t.Context()))
	return tr, steps
}

// runFor runs n steps and stops the run as a signal does.
func runFor(t *testing.T, r *Recipe, n int) *Trainer {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	tr := newTrainer(t, r)
	tr.OnStep = func(Step) {
		if n--; n == 0 {
			stop()
		}
	}
	if err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled run: %v", err)
	}
	return tr
}

// outcome is what two runs of a recipe must have in common: the log, the weights of
// the final model, and the files of the adapter if there is one.
type outcome struct{ log, weights, adapter string }

func outcomeOf(t *testing.T, output string) outcome {
	t.Helper()
	o := outcome{log: readText(t, output, logFile), weights: readText(t, output, finalDir, "model.safetensors")}
	files, err := filepath.Glob(filepath.Join(output, adapterDir, "*"))
	check(t, err)
	for _, f := range files {
		o.adapter += filepath.Base(f) + ":" + readText(t, f)
	}
	return o
}

func sameOutcome(t *testing.T, output string, want outcome) {
	t.Helper()
	got := outcomeOf(t, output)
	if got.log != want.log {
		t.Errorf("log differs:\n%s\nwant\n%s", got.log, want.log)
	}
	if got.weights != want.weights {
		t.Error("the final weights differ")
	}
	if got.adapter != want.adapter {
		t.Error("the adapters differ")
	}
}

var uninterrupted = struct {
	sync.Once
	outcome
}{}

// uninterruptedTiny is the outcome of the tiny recipe when nothing stops it.
func uninterruptedTiny(t *testing.T) outcome {
	t.Helper()
	uninterrupted.Do(func() {
		r := tiny(t)
		runAll(t, r)
		uninterrupted.outcome = outcomeOf(t, r.Output)
	})
	return uninterrupted.outcome
}

func readText(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	check(t, err)
	return string(data)
}

// weights copies every parameter.
func weights(tr *Trainer) map[string][]float32 { return netWeights(tr.Model.Net) }

func netWeights(net any) map[string][]float32 {
	all := map[string][]float32{}
	nn.Walk(net, func(name string, w *tensor.Tensor) {
		f := make([]float32, w.Len())
		w.Floats(f)
		all[name] = f
	})
	return all
}
