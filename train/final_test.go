package train

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// The final model in bfloat16 opens and says nearly what the last checkpoint,
// in float32, says.
func TestFinalModel(t *testing.T) {
	r := tiny(t)
	tr, _ := runAll(t, r)
	full, half := openModel(t, r.Output, "checkpoint-000007"), openModel(t, r.Output, finalDir)
	if half.Config == nil || full.Family.Architecture != half.Family.Architecture {
		t.Fatal("another model")
	}
	for i := range 3 {
		conv, err := tr.sets[1][0].conversation(i, rand.New(rand.NewPCG(1, 1)), nil)
		check(t, err)
		p, err := full.Processor.Process(conv[:1])
		check(t, err)
		a, b := logits(t, full, p), logits(t, half, p)
		for k := range a {
			if math.Abs(float64(a[k]-b[k])) > 0.05 {
				t.Errorf("prompt %d: logit %d is %v in float32, %v in bfloat16", i, k, a[k], b[k])
				break
			}
		}
	}
}

// A run can begin with the final model of another.
func TestTrainFromACheckpoint(t *testing.T) {
	first := tiny(t)
	runAll(t, first)
	second := func(r *Recipe) {
		r.Model = Start{From: filepath.Join(first.Output, finalDir)}
		r.Stages = r.Stages[:1]
	}
	whole, r := tiny(t, second), tiny(t, second)
	runAll(t, whole)
	runFor(t, r, 2)
	runAll(t, r)
	sameOutcome(t, r.Output, outcomeOf(t, whole.Output))
	openModel(t, r.Output, finalDir)
}

func openModel(t *testing.T, path ...string) *zoo.Model {
	t.Helper()
	m, err := zoo.OpenDir(filepath.Join(path...))
	check(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func logits(t *testing.T, m *zoo.Model, p *model.Prompt) []float32 {
	t.Helper()
	vlm, ok := m.VLM()
	if !ok {
		t.Fatal("it does not generate")
	}
	out, err := generate.NewSession(vlm, 0, nil).Prefill(t.Context(), p)
	check(t, err)
	return append([]float32(nil), out...)
}
