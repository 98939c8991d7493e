package train

import (
	"fmt"
	"math"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// packed changes the tiny recipe to one stage of sequences that are packed full.
func packed(alike string) func(*Recipe) {
	return func(r *Recipe) {
		r.Stages = r.Stages[1:]
		st := &r.Stages[0]
		st.Batch, st.Accumulate, st.Steps = 0, 2, 6
		st.Alike, st.Pack = alike, &Pack{Tokens: 480, Tiles: 4, Pool: 8}
	}
}

// gradientsOf are those of some prompts, one after the other.
func gradientsOf(t *testing.T, tr *Trainer, prompts []*model.Prompt, labelled int) (loss float64, all map[string][]float64) {
	t.Helper()
	check(t, tr.beginStage(&tr.Recipe.Stages[0]))
	for _, p := range prompts {
		l := model.Loss(&tr.ctx, tr.vlm, p, float32(labelled))
		loss += float64(l.F32[0])
		tr.ctx.Backward(l)
		tr.ctx.Reset()
	}
	all = map[string][]float64{}
	nn.Walk(tr.Model.Net, func(name string, w *tensor.Tensor) {
		if w.HasGrad() {
			g := make([]float64, w.Len())
			for i, x := range w.Grad() {
				g[i] = float64(x)
			}
			all[name] = g
		}
	})
	return loss, all
}

// TestPackedIsUnpacked: the loss and the gradients of a packed sequence are those
// of its samples one by one.
func TestPackedIsUnpacked(t *testing.T) {
	tr := newTrainer(t, tiny(t, packed("")))
	b := &batch{}
	single := newFeeder(tr.stages[0].stream).packer.next(b)
	if len(single) < 3 {
		t.Fatalf("%d samples in a sequence", len(single))
	}
	loss, want := gradientsOf(t, tr, single, b.labelled)
	together, got := gradientsOf(t, tr, []*model.Prompt{model.Pack(single)}, b.labelled)
	if math.Abs(loss-together) > 1e-6*loss {
		t.Errorf("loss %v packed, %v one by one", together, loss)
	}
	if rel := apart(t, got, want); !(rel < 1e-6) {
		t.Errorf("gradients differ by %.2g of their length", rel)
	}
}

// TestPackerFillsSequences: none is over its limits, nearly all are nearly full, and
// every sample comes once.
func TestPackerFillsSequences(t *testing.T) {
	tr := newTrainer(t, tiny(t, packed("")))
	p := newFeeder(tr.stages[0].stream).packer
	taken, skipped, tokens, sequences := 0, 0, 0, 0
	for range 40 {
		b := &batch{}
		prompts := p.next(b)
		tiles := 0
		for _, one := range prompts {
			tiles += len(one.Images)
		}
		if b.err != nil || b.tokens > 480 || tiles > 4 || len(prompts) == 0 {
			t.Fatalf("%d tokens, %d views of %d samples: %v", b.tokens, tiles, len(prompts), b.err)
		}
		taken, skipped, tokens, sequences = taken+len(prompts), skipped+b.skipped, tokens+b.tokens, sequences+1
	}
	if want := p.place - len(p.pool) - skipped; taken != want {
		t.Errorf("%d samples in sequences, %d taken", taken, want)
	}
	if full := float64(tokens) / float64(480*sequences); full < 0.85 {
		t.Errorf("sequences are %.0f %% full", 100*full)
	}
}

// TestResumePacked stops packed runs at every step; they go on to the same bits.
func TestResumePacked(t *testing.T) {
	for _, alike := range []string{"", "source", "modality"} {
		change := packed(alike)
		whole := tiny(t, change)
		runAll(t, whole)
		want := outcomeOf(t, whole.Output)
		for n := 1; n < 6; n++ {
			t.Run(fmt.Sprint(alike, n), func(t *testing.T) {
				t.Parallel()
				r := tiny(t, change)
				runFor(t, r, n)
				if tr, steps := runAll(t, r); len(steps) != 6-n || tr.Resumed() != 6 {
					t.Errorf("%d steps more, to %d", len(steps), tr.Resumed())
				}
				sameOutcome(t, r.Output, want)
			})
		}
	}
}
