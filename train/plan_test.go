package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestPlanOfTiny wants what the recipe says, and an output directory that is not there.
func TestPlanOfTiny(t *testing.T) {
	r := tiny(t)
	r.Output = filepath.Join(r.Output, "new")
	p, err := Rehearse(t.Context(), r, nil)
	check(t, err)
	if _, err := os.Stat(r.Output); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the output directory was made: %v", err)
	}
	if len(p.Stages) != 2 || p.Done != 0 || p.Output != r.Output || p.Seconds <= 0 {
		t.Fatalf("plan: %+v", p)
	}
	align, instruct := p.Stages[0], p.Stages[1]
	if len(align.Learns) != 1 || align.Learns["adapter"] == 0 || align.Frozen["vision"] == 0 || align.Frozen["language"] == 0 {
		t.Errorf("align learns %v, frozen %v", align.Learns, align.Frozen)
	}
	if len(instruct.Learns) != 3 || len(instruct.Frozen) != 0 {
		t.Errorf("instruct learns %v, frozen %v", instruct.Learns, instruct.Frozen)
	}
	all := instruct.Learns["vision"] + instruct.Learns["adapter"] + instruct.Learns["language"]
	if all != p.Parameters || instruct.Memory.Weights != int64(4*all) {
		t.Errorf("%d parameters, %d learn, weights take %d bytes", p.Parameters, all, instruct.Memory.Weights)
	}
	if m := align.Memory; m.Gradients != int64(4*align.Learns["adapter"]) || m.Moments != 2*m.Gradients || m.Activations == 0 {
		t.Errorf("memory of align: %+v", m)
	}
	if align.Updates != 3 || instruct.Updates != 4 || instruct.Batch != 4 || instruct.Samples != 17 || instruct.Tokens < instruct.Labelled || instruct.Labelled == 0 {
		t.Errorf("stages: %+v %+v", align, instruct)
	}
}

// TestPlanOfARunUnderWay tells what is done and leaves the run as it is.
func TestPlanOfARunUnderWay(t *testing.T) {
	want := uninterruptedTiny(t)
	r := tiny(t)
	runFor(t, r, 5)
	p, err := Rehearse(t.Context(), r, nil)
	check(t, err)
	if want := 2 * p.Stages[1].Seconds; p.Done != 5 || p.Seconds < 0.99*want || p.Seconds > 1.01*want {
		t.Errorf("%d updates are done and the rest takes %v s, want %v", p.Done, p.Seconds, want)
	}
	runAll(t, r)
	sameOutcome(t, r.Output, want)
}

func TestPlanStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Rehearse(ctx, tiny(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled rehearsal: %v", err)
	}
}

// TestPlannedMemory compares the plan with what lives on the heap in a real run of a
// model that is large beside everything else there.
func TestPlannedMemory(t *testing.T) {
	large := func(r *Recipe) {
		r.Stages = r.Stages[1:]
		r.Stages[0].Steps, r.Stages[0].Batch, r.Stages[0].Recompute = 2, 6, false
		r.Model.Config = []byte(strings.ReplaceAll(string(r.Model.Config),
			`"hidden_size": 16, "intermediate_size": 32`, `"hidden_size": 128, "intermediate_size": 512`))
	}
	r := tiny(t, large)
	p, err := Rehearse(t.Context(), r, nil)
	check(t, err)
	before := heap()
	tr := newTrainer(t, r)
	var most int64
	tr.OnStep = func(Step) { most = max(most, heap()-before) }
	check(t, tr.Run(t.Context()))
	if planned := p.Stages[0].Memory.Total(); planned < most/2 || planned > 2*most {
		t.Errorf("the plan says %d bytes, the heap holds %d", planned, most)
	}
}

// heap is the memory of what is alive.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
