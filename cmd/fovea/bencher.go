package main

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// bencher times the stages of a model.
type bencher struct {
	model *zoo.Model
	vlm   model.VLM // nil for a tower alone
	pool  *kernel.Pool
	load  load
}

// measure fills in the rates of what the model has: a tower, a decoder or both.
func (b *bencher) measure(ctx context.Context, r *benchResult) error {
	t := towerOf(b.model)
	if err := b.encode(ctx, t, r); err != nil {
		return err
	}
	if b.vlm == nil {
		return b.read(ctx, t, r)
	}
	s := generate.NewSession(b.vlm, r.PromptTokens+r.DecodeTokens, b.pool)
	prefill, err := median(ctx, func() error {
		s.Truncate(0)
		_, err := s.Prefill(ctx, b.prompt(r.PromptTokens))
		return err
	})
	if err != nil {
		return err
	}
	allocs := uint64(math.MaxUint64) // the fewest: the runtime's own, for parked goroutines, come and go
	decode, err := median(ctx, func() error {
		s.Truncate(r.PromptTokens)
		before := mallocs()
		for range r.DecodeTokens {
			if _, err := s.Step(0); err != nil {
				return err
			}
		}
		allocs = min(allocs, mallocs()-before)
		return nil
	})
	if err != nil {
		return err
	}
	if r.ImageMS > 0 {
		r.FirstTokenMS = r.ImageMS + ms(prefill)
	}
	r.PrefillTokS = float64(r.PromptTokens) / prefill.Seconds()
	r.PrefillGFLOPS = b.load.prefill(r.PromptTokens) / prefill.Seconds() / 1e9
	r.DecodeTokS = float64(r.DecodeTokens) / decode.Seconds()
	r.DecodeGBS = b.load.decode(r.PromptTokens, r.DecodeTokens) / decode.Seconds() / 1e9
	r.DecodeAllocs = float64(allocs) / float64(r.DecodeTokens)
	return nil
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// read times how long a decoder that reads pictures by cross-attention takes to its
// first token.
func (b *bencher) read(ctx context.Context, t *tower, r *benchResult) error {
	if t == nil || t.reads == nil {
		return nil
	}
	vlm, _ := b.model.VLM()
	s := generate.NewSession(vlm, vlm.Decoder().Context(), b.pool)
	took, err := median(ctx, func() error {
		s.Truncate(0)
		_, err := s.Prefill(ctx, t.reads)
		return err
	})
	r.FirstTokenMS = ms(took)
	return err
}

// encode times the way of one picture's pixels to the language model.
func (b *bencher) encode(ctx context.Context, t *tower, r *benchResult) error {
	if t == nil {
		return nil
	}
	c := &tensor.Ctx{Pool: b.pool}
	took, err := median(ctx, func() error {
		c.Reset()
		t.run(c)
		return nil
	})
	r.ImageMS, r.ImageTokens = ms(took), t.tokens
	r.ImageGFLOPS = t.flops / took.Seconds() / 1e9
	return err
}

// prompt has n tokens of different ids.
func (b *bencher) prompt(n int) *model.Prompt {
	p := &model.Prompt{IDs: make([]int32, n)}
	for i := range p.IDs {
		p.IDs[i] = int32(i % b.vlm.Decoder().Vocab())
	}
	return p
}

// median runs f once to warm up, then for about half a second, at least three
// times, and returns the median time.
func median(ctx context.Context, f func() error) (time.Duration, error) {
	return medianOver(ctx, time.Second/2, f)
}

// medianOver is median over some other time.
func medianOver(ctx context.Context, budget time.Duration, f func() error) (time.Duration, error) {
	const least = 3
	var times []time.Duration
	began := time.Now()
	for len(times) <= least || time.Since(began) < budget {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	times = times[1:]
	slices.Sort(times)
	return times[len(times)/2], nil
}

// load is the work that a decoder does for a token.
type load struct {
	flops     float64 // of the blocks' matrices
	headFLOPs float64 // of the head
	bytes     float64 // of matrices, head included
	attended  float64 // operations for each token that is looked back at
	cached    float64 // bytes of a token in the KV cache
}

func loadOf(m *zoo.Model, vlm model.VLM) (l load) {
	if vlm == nil {
		return l
	}
	const multiplyAdd = 2
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) {
		if m.Family.PartOf(name) != "language" || len(t.Shape) != 2 {
			return
		}
		n := float64(tensor.Size(t.Shape))
		switch {
		case strings.Contains(name, "lm_head"):
			l.headFLOPs = multiplyAdd * n
			l.bytes += float64(t.Bytes())
		case strings.Contains(name, "embed_tokens"): // the head, where no other is
			if tied(vlm) {
				l.headFLOPs = multiplyAdd * n
				l.bytes += float64(t.Bytes())
			}
		default:
			l.flops += multiplyAdd * n
			l.bytes += float64(t.Bytes())
		}
	})
	if d, ok := vlm.Decoder().(*llama.Model); ok {
		cfg := d.Config()
		const products = 2 // queries by keys, weights by values
		l.attended = multiplyAdd * products * float64(cfg.NumHiddenLayers*cfg.NumAttentionHeads*cfg.HeadDim)
		l.cached = float64(cachePerToken(d))
	}
	return l
}

func tied(vlm model.VLM) bool {
	d, ok := vlm.Decoder().(*llama.Model)
	return ok && d.LMHead == nil
}

// prefill counts the operations for n tokens that start a sequence.
func (l load) prefill(n int) float64 {
	pairs := float64(n) * float64(n+1) / 2
	return float64(n)*l.flops + l.headFLOPs + pairs*l.attended
}

// decode counts the bytes read for n tokens behind a prompt.
func (l load) decode(prompt, n int) float64 {
	seen := float64(n)*float64(prompt) + float64(n)*float64(n+1)/2
	return float64(n)*l.bytes + seen*l.cached
}
