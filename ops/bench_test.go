package ops

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// benchRows are rows of the table on the shapes of a small model's training.
func benchRows() []row {
	const m, n = 2000, 256
	text := &Attn{Heads: 4, KVHeads: 4, Causal: true}
	vision := &Attn{Heads: 4, KVHeads: 4}
	long := &Attn{Heads: 4, KVHeads: 4, Causal: true}
	for i := range 14 {
		text.Starts = append(text.Starts, i*150)
	}
	for i := range 33 {
		vision.Starts = append(vision.Starts, i*65)
	}
	rows := []row{linear(m, n, n, true), linear(m, n, 4*n, false), linear(m, 4*n, n, false), linear(1, n, 4*n, false),
		add(m, n), mul(m, n), scale(m, n), addRowsRow(m, n), gather(m, n), join(m, n), swiGLU(m, 4*n),
		rmsNorm(m, n), layerNorm(m, n), softmax(m, n), l2Norm(m, n), sum(m, n), mean(m, n), crossEntropyRow(500, 4096),
		ropeRow(m, 4, 64, 64, false), ropeRow(m, 4, 64, 64, true), patchesRow(32, 3, 64, 64, 8),
		attentionRow("text", 13*150, 13*150, 64, text), attentionRow("vision", 32*65, 32*65, 64, vision),
		attentionRow("long", 2048, 2048, 64, long), attentionRow("decode", 1, 2048, 64, long)}
	for act := range activationRefs {
		rows = append(rows, activateRow(m, 4*n, Act(act)))
	}
	return rows
}

// BenchmarkOps measures the rows of the table: forward alone as in inference,
// and forward with backward, which counts as twice the forward. GFLOP/s count
// multiplications and additions that the formula needs, GB/s the inputs.
func BenchmarkOps(b *testing.B) {
	for _, r := range benchRows() {
		in, bytes := benchInputs(r)
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			for _, train := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%s/train=%v/workers=%d", r.op, r.name, train, workers), func(b *testing.B) {
					benchOp(b, r, in, bytes, train, workers)
				})
			}
		}
	}
}

func benchInputs(r row) (in []*T, bytes int) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, spec := range r.in {
		t := randomTensor(rng, spec.shape...)
		t.SetTrainable(true)
		in = append(in, t)
		bytes += t.Bytes()
	}
	return in, bytes
}

func benchOp(b *testing.B, r row, in []*T, bytes int, train bool, workers int) {
	c := &tensor.Ctx{Train: train, Pool: kernel.NewPool(workers)}
	defer c.Pool.Close()
	flops := r.flops
	for b.Loop() {
		c.Reset()
		y := r.run(c, in)
		if train {
			c.Backward(Sum(c, y))
		}
	}
	if train {
		flops, bytes = 3*flops, 3*bytes
	}
	ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	if flops > 0 {
		b.ReportMetric(float64(flops)/ns, "GFLOP/s")
	}
	b.ReportMetric(float64(bytes)/ns, "GB/s")
}

// BenchmarkBlock is a training step of one transformer block: 2,000 tokens of
// width 256, four heads, in short bidirectional or longer causal sequences.
func BenchmarkBlock(b *testing.B) {
	for _, s := range []struct {
		name              string
		sequences, length int
		causal            bool
	}{{"vision", 31, 65, false}, {"text", 13, 150, true}} {
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("%s/workers=%d", s.name, workers), func(b *testing.B) {
				block := newBlock(256, 4, 1024, s.sequences, s.length, s.causal)
				x := randomTensor(rand.New(rand.NewPCG(5, 5)), s.sequences*s.length, 256)
				x.SetTrainable(true)
				c := &tensor.Ctx{Train: true, Pool: kernel.NewPool(workers)}
				defer c.Pool.Close()
				for b.Loop() {
					c.Reset()
					c.Backward(Sum(c, block.run(c, x)))
				}
				b.ReportMetric(float64(b.N*x.Rows())/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
