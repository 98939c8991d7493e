package train

import (
	"fmt"
	"os"
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
	data, err := os.ReadFile("testdata/bench.json")
	if err != nil {
		b.Fatal(err)
	}
	r, err := ParseRecipe(data)
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
	f, err := newFeeder(r, 0, t.Model.Processor, 512)
	if err != nil {
		b.Fatal(err)
	}
	if err := t.begin(&r.Stages[0]); err != nil {
		b.Fatal(err)
	}
	batch := f.batch(0)
	tokens := 0
	for b.Loop() {
		if _, err := t.step(&r.Stages[0], batch, 1000); err != nil {
			b.Fatal(err)
		}
		tokens += batch.tokens
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkBatch is the making of a batch alone: it runs beside the update.
func BenchmarkBatch(b *testing.B) {
	data, err := os.ReadFile("testdata/bench.json")
	if err != nil {
		b.Fatal(err)
	}
	r, err := ParseRecipe(data)
	if err != nil {
		b.Fatal(err)
	}
	r.Output = b.TempDir()
	t, err := New(r, nil)
	if err != nil {
		b.Fatal(err)
	}
	f, err := newFeeder(r, 0, t.Model.Processor, 512)
	if err != nil {
		b.Fatal(err)
	}
	step := 0
	for b.Loop() {
		if batch := f.batch(step); batch.err != nil {
			b.Fatal(batch.err)
		}
		step++
	}
}
