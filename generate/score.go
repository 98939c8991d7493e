package generate

import (
	"context"
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
)

// Score returns the log-probability of what a prompt teaches, the sum over its
// labels: with prompts made by Processor.Learn, that of an answer with its end token.
// The cache keeps what it has in common with the prompt, as in Extend, so that several
// answers to one question cost the picture once.
func (s *Session) Score(ctx context.Context, p *model.Prompt) (float64, error) {
	first := slices.IndexFunc(p.Labels, func(l int32) bool { return l >= 0 })
	if first < 0 || p.Starts != nil || p.Branches != nil {
		return 0, fmt.Errorf("generate: a prompt to score has labels, and is one conversation")
	}
	if n := len(p.At); n > 0 && p.DecoderIDs == nil && p.At[n-1] > first {
		return 0, fmt.Errorf("generate: a picture stands behind the beginning of the answer to score")
	}
	ids := p.Reads()
	if len(p.Labels) != len(ids) {
		return 0, fmt.Errorf("generate: %d labels of %d tokens", len(p.Labels), len(ids))
	}
	vocab := s.vlm.Decoder().Vocab()
	for i, l := range p.Labels {
		if int(l) >= vocab {
			return 0, fmt.Errorf("generate: label %d is %d, which is not in the model's vocabulary of %d", i, l, vocab)
		}
	}
	if len(ids) > s.room {
		return 0, s.tooLong(p, s.room)
	}
	logits, err := s.Extend(ctx, until(p, first+1))
	if err != nil {
		return 0, err
	}
	sum := logProbability(logits, p.Labels[first])
	if first+1 < len(ids) {
		more, err := s.score(ctx, ids[first+1:], p.Labels[first+1:])
		return sum + more, err
	}
	return sum, nil
}

// score runs tokens behind what is in the cache, and returns the sum of the
// log-probabilities of labels.
func (s *Session) score(ctx context.Context, ids, labels []int32) (sum float64, err error) {
	if err := s.checkIDs(ids, 0, len(ids)); err != nil {
		return 0, err
	}
	d := s.vlm.Decoder()
	for at := 0; at < len(ids); at += prefillChunk {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(prefillChunk, len(ids)-at)
		s.ctx.Reset()
		h := s.forward(model.Sequence{X: d.Embed(&s.ctx, ids[at:at+n])})
		s.ids = append(s.ids, ids[at:at+n]...)
		logits := d.Logits(&s.ctx, h)
		for i, l := range labels[at : at+n] {
			if l >= 0 {
				sum += logProbability(logits.Row(i), l)
			}
		}
	}
	return sum, nil
}

func logProbability(logits []float32, id int32) float64 {
	return float64(logits[id]) - float64(kernel.LogSumExp(logits))
}

// until is the prompt's first n tokens that the decoder reads, and what is encoded for it.
func until(p *model.Prompt, n int) *model.Prompt {
	out := &model.Prompt{IDs: p.IDs, DecoderIDs: p.DecoderIDs, Images: p.Images, At: p.At}
	if p.DecoderIDs != nil {
		out.DecoderIDs = p.DecoderIDs[:n]
	} else {
		out.IDs = p.IDs[:n]
	}
	return out
}
