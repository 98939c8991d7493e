package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	chunkRows = 512 // rows that go through the decoder at once
	logitRows = 64  // rows whose logits are in memory at once
)

// scorer collects the negative log-likelihoods of tokens.
type scorer struct {
	d     model.Decoder
	body  tensor.Ctx // of the decoder's blocks
	head  tensor.Ctx // of logits
	past  [1]*model.KVCache
	count int
	mean  float64 // of the tokens so far, in nats
	m2    float64 // sum of squared deviations from it (Welford 1962, https://doi.org/10.1080/00401706.1962.10490022)
}

func newScorer(d model.Decoder, capacity int, pool *kernel.Pool) *scorer {
	return &scorer{d: d, body: tensor.Ctx{Pool: pool}, head: tensor.Ctx{Pool: pool}, past: [1]*model.KVCache{d.NewCache(capacity)}}
}

// window scores ids[from:], each given all of ids before it.
func (s *scorer) window(ctx context.Context, ids []int32, from int) error {
	s.past[0].Truncate(0)
	last := len(ids) - 1 // nothing follows it
	for at := 0; at < last; at += chunkRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(at+chunkRows, last)
		s.body.Reset()
		x := s.d.Embed(&s.body, ids[at:end])
		h := s.d.Forward(&s.body, &model.Sequence{X: x, Past: s.past[:]})
		for row := max(at, from-1); row < end; row += logitRows {
			if err := s.rows(h, row-at, ids[row+1:min(row+logitRows, end)+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows scores the tokens that follow some rows of final hidden states.
func (s *scorer) rows(h *tensor.Tensor, first int, next []int32) error {
	width := h.Cols()
	s.head.Reset()
	logits := s.d.Logits(&s.head, tensor.From(h.F32[first*width:(first+len(next))*width], len(next), width))
	for i, id := range next {
		row := logits.Row(i)
		nll := float64(kernel.LogSumExp(row)) - float64(row[id])
		if math.IsNaN(nll) || math.IsInf(nll, 0) {
			return fmt.Errorf("the model gives a token a log-likelihood of %v", -nll)
		}
		s.add(nll)
	}
	return nil
}

func (s *scorer) add(nll float64) {
	s.count++
	delta := nll - s.mean
	s.mean += delta / float64(s.count)
	s.m2 += delta * (nll - s.mean)
}

// stdErr is the standard error of the mean, 0 for a single token.
func (s *scorer) stdErr() float64 {
	if s.count < 2 {
		return 0
	}
	n := float64(s.count)
	return math.Sqrt(s.m2 / (n - 1) / n)
}
