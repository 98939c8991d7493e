package qformer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const tiny = `{"vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 12,
	"max_position_embeddings": 9, "encoder_hidden_size": 6, "cross_attention_frequency": 2}`

// asker is a Q-Former with its queries.
type asker struct {
	Queries *tensor.Tensor `ckpt:"query_tokens"`
	Model   *Model         `ckpt:"qformer"`
}

func random(t *testing.T, text bool) *asker {
	t.Helper()
	cfg, err := ParseConfig([]byte(tiny))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ReadsText = text
	a := &asker{tensor.Declare(1, 3, cfg.HiddenSize), New(cfg)}
	nn.Initializer{Std: func(string) float64 { return 0.4 }}.Init(a, rand.New(rand.NewPCG(1, 2)))
	return a
}

// features are those of views of so many rows.
func features(rows ...int) *model.Features {
	rng := rand.New(rand.NewPCG(5, 6))
	f := &model.Features{Starts: []int{0}}
	for _, n := range rows {
		f.Starts = append(f.Starts, f.Starts[len(f.Starts)-1]+n)
	}
	f.X = tensor.New(f.Starts[len(rows)], 6)
	for i := range f.X.F32 {
		f.X.F32[i] = float32(rng.NormFloat64())
	}
	return f
}

// view is one of them by itself.
func view(f *model.Features, i int) *model.Features {
	lo, hi := f.Starts[i], f.Starts[i+1]
	return &model.Features{X: tensor.From(f.X.F32[lo*6:hi*6], hi-lo, 6), Starts: []int{0, hi - lo}}
}

var texts = [][]int32{{1, 2, 3, 4}, {}, {5, 6}}

// TestViewsDoNotSeeEachOther wants the same bits of every view alone and among others.
func TestViewsDoNotSeeEachOther(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	f := features(4, 2, 7)
	for _, reads := range []bool{false, true} {
		a := random(t, reads)
		var text [][]int32
		if reads {
			text = texts
		}
		all := a.Model.Forward(&tensor.Ctx{Pool: pool}, a.Queries, Input{Seen: f, Text: text})
		if !slices.Equal(all.Shape, []int{9, 8}) {
			t.Fatalf("shape %v", all.Shape)
		}
		for i := range 3 {
			var own [][]int32
			if reads {
				own = text[i : i+1]
			}
			one := a.Model.Forward(&tensor.Ctx{}, a.Queries, Input{Seen: view(f, i), Text: own})
			if !slices.Equal(one.F32, all.F32[i*24:(i+1)*24]) {
				t.Errorf("view %d, text %v: other values alone", i, reads)
			}
		}
	}
}

// TestTextMatters asks another question.
func TestTextMatters(t *testing.T) {
	a, f := random(t, true), features(4)
	seen := map[float32]bool{}
	for _, text := range [][]int32{{}, {1}, {2}, {1, 2}, {2, 1}} {
		seen[a.Model.Forward(&tensor.Ctx{}, a.Queries, Input{Seen: f, Text: [][]int32{text}}).F32[0]] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d results of 5 texts", len(seen))
	}
	defer func() {
		if recover() == nil {
			t.Error("two texts for one view")
		}
	}()
	a.Model.Forward(&tensor.Ctx{}, a.Queries, Input{Seen: f, Text: texts[:2]})
}

func TestGradients(t *testing.T) {
	for _, reads := range []bool{false, true} {
		a, f := random(t, reads), features(4, 2, 7)
		var text [][]int32
		if reads {
			text = texts
		}
		rng := rand.New(rand.NewPCG(7, 8))
		weigh := tensor.New(9, 8)
		for i := range weigh.F32 {
			weigh.F32[i] = float32(rng.NormFloat64())
		}
		gradtest.Check(t, a, func(c *tensor.Ctx) *tensor.Tensor {
			return ops.Sum(c, ops.Mul(c, a.Model.Forward(c, a.Queries, Input{Seen: f, Text: text}), weigh))
		}, nil)
	}
}
