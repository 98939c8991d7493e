package llama

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestBatchInvariance wants the same bits of a sequence's logits whether it is
// read alone, packed with others, in chunks of any size or behind a cache, on
// one worker or several. The sequence is longer than the blocks of attention and
// of the matrix products.
func TestBatchInvariance(t *testing.T) {
	odd := `{"vocab_size": 40, "hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 18,
		"intermediate_size": 300, "num_hidden_layers": 2, "max_position_embeddings": 512, "attention_bias": true}`
	blocks := `{"vocab_size": 40, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
		"intermediate_size": 320, "num_hidden_layers": 2, "max_position_embeddings": 512, "attention_bias": true}`
	for _, c := range []struct {
		config           string
		weights, compute tensor.DType
	}{{odd, tensor.F32, tensor.F32}, {odd, tensor.F32, tensor.BF16}, {blocks, kernel.Q4_0, tensor.BF16}, {blocks, kernel.Q8_0, kernel.I8}} {
		t.Run(fmt.Sprintf("%v in %v", c.weights, c.compute), func(t *testing.T) {
			m := random(t, c.config)
			if c.weights != tensor.F32 {
				nn.Walk(m, func(name string, p *tensor.Tensor) {
					if strings.HasSuffix(name, "proj.weight") {
						p.Store(c.weights, nil)
					}
				})
			}
			testInvariance(t, m, c.compute)
		})
	}
}

func testInvariance(t *testing.T, m *Model, compute tensor.DType) {
	ids := make([]int32, 301)
	for i := range ids {
		ids[i] = int32(i * i % 40)
	}
	v := m.Vocab()
	cputest.TestAll(t, kernel.Impls, func(t *testing.T) {
		if compute == tensor.BF16 && !kernel.MatrixUnits() || compute == kernel.I8 && !kernel.IntegerUnits() {
			return // plain Go, in which a minute is not enough; the kernels' tests compare it
		}
		var whole []float32
		for _, workers := range []int{1, 3} {
			r := runner{m, kernel.NewPool(workers)}
			defer r.pool.Close()
			r.pool.Compute = compute
			if whole == nil {
				whole = r.logits(nil, ids)
			}
			sameBits(t, fmt.Sprintf("%d workers", workers), r.logits(nil, ids), whole)
			for _, chunk := range []int{1, 7, 64, 257} {
				past := []*model.KVCache{m.NewCache(len(ids))}
				var got []float32
				for part := range slices.Chunk(ids, chunk) {
					got = append(got, r.logits(past, part)...)
				}
				sameBits(t, fmt.Sprintf("%d workers, chunks of %d", workers, chunk), got, whole)
			}
			other := ids[5:70]
			packed := r.logits(nil, other, ids, other[:1])
			sameBits(t, fmt.Sprintf("%d workers, packed", workers), packed[len(other)*v:(len(other)+len(ids))*v], whole)

			past := []*model.KVCache{m.NewCache(len(ids)), m.NewCache(len(ids)), m.NewCache(len(ids))}
			r.logits(past, other[:9], ids[:200], other)
			got := r.logits(past, other[9:10], ids[200:], other[:3]) // as a server's batch: some decode, some prefill
			sameBits(t, fmt.Sprintf("%d workers, packed and cached", workers), got[v:][:101*v], whole[200*v:])
		}
	})
}

// runner runs a model on a pool of its own.
type runner struct {
	m    *Model
	pool *kernel.Pool
}

// logits of packed sequences, each behind its cache if it has one.
func (r runner) logits(past []*model.KVCache, sequences ...[]int32) []float32 {
	c := &tensor.Ctx{Pool: r.pool}
	starts := []int{0}
	for _, s := range sequences {
		starts = append(starts, starts[len(starts)-1]+len(s))
	}
	x := r.m.Embed(c, slices.Concat(sequences...))
	return r.m.Logits(c, r.m.Forward(c, &model.Sequence{X: x, Starts: starts, Past: past})).F32
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: value %d of row %d is %v, want %v", what, i%40, i/40, got[i], want[i])
		}
	}
}
