package train

import (
	"fmt"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
)

// BenchmarkStep is one update of the easy-VQA model's size on scenes, without
// the making of the batch.
func BenchmarkStep(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) { benchmarkStep(b, workers) })
	}
}

func benchmarkStep(b *testing.B, workers int) {
	r, err := ReadRecipe("testdata/bench.json")
	if err != nil {
		b.Fatal(err)
	}
	r.Output = b.TempDir()
	pool := kernel.NewPool(workers)
	defer pool.Close()
	t, err := New(r, pool)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	if err := t.beginStage(&r.Stages[0]); err != nil {
		b.Fatal(err)
	}
	batch := t.stages[0].batch(0)
	tokens := 0
	for b.Loop() {
		if _, err := t.step(t.stages[0], batch); err != nil {
			b.Fatal(err)
		}
		tokens += batch.tokens
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkBatch is the making of a batch alone: it runs beside the update.
func BenchmarkBatch(b *testing.B) {
	r, err := ReadRecipe("testdata/bench.json")
	if err != nil {
		b.Fatal(err)
	}
	r.Output = b.TempDir()
	t, err := New(r, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	step := 0
	for b.Loop() {
		if batch := t.stages[0].batch(step); batch.err != nil {
			b.Fatal(batch.err)
		}
		step++
	}
}
