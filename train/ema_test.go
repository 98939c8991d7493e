package train

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAverage(t *testing.T) {
	p := newTinyNet(true)
	opt := newOptimizer(&Stage{}, p, func(string) string { return "" }, nil)
	a := newAverage(opt.params, 0.5)
	want := 1.0
	for n := 1; n <= 20; n++ {
		for i := range p.Matrix.F32 {
			p.Matrix.F32[i] = float32(n)
		}
		a.add(n, nil)
		d := min(0.5, float64(1+n)/float64(10+n))
		want = d*want + (1-d)*float64(n)
	}
	if got := float64(a.weights[0][3]); math.Abs(got-want) > 1e-4 {
		t.Errorf("average %v, want %v", got, want)
	}
	a.swap()
	if p.Matrix.F32[0] != float32(a.params[0].t.F32[0]) || math.Abs(float64(p.Matrix.F32[0])-want) > 1e-4 || a.weights[0][0] != 20 {
		t.Error("swap does not exchange the weights and their average")
	}
	a.swap()
	if a.adopt(); math.Abs(float64(p.Matrix.F32[0])-want) > 1e-4 {
		t.Errorf("adopted %v, want %v", p.Matrix.F32[0], want)
	}
}

// The steps are those of a run without; what is saved in the end differs.
func TestAverageOfARun(t *testing.T) {
	instruct := func(r *Recipe) { r.Stages = r.Stages[1:] }
	plain, averaged := tiny(t, instruct), tiny(t, instruct, func(r *Recipe) { r.Stages[0].EMA = 0.9 })
	runAll(t, plain)
	runAll(t, averaged)
	a, b := outcomeOf(t, plain.Output), outcomeOf(t, averaged.Output)
	if a.log != b.log {
		t.Error("the average changes the steps")
	}
	if a.weights == b.weights {
		t.Error("the final model is not the average")
	}
}

func TestCheckpointWithoutItsAverage(t *testing.T) {
	r := tiny(t, func(r *Recipe) { r.Stages = r.Stages[1:]; r.Stages[0].EMA = 0.9 })
	runAll(t, r)
	again := tiny(t, func(n *Recipe) { n.Stages = r.Stages })
	runFor(t, again, 3)
	check(t, os.Remove(filepath.Join(again.Output, "checkpoint-000003", averageFile)))
	tr, _ := runAll(t, again)
	if len(tr.Broken) != 1 || !strings.Contains(tr.Broken[0].Error(), averageFile) {
		t.Errorf("Broken is %v", tr.Broken)
	}
	sameOutcome(t, again.Output, outcomeOf(t, r.Output))
}
