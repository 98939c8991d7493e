// Package generate turns a model and a prompt into tokens: prefill, decode
// steps over a KV cache, sampling, stop conditions, text as it comes.
package generate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// prefillChunk bounds the activations of a long prompt: rows that go through the decoder at once.
const prefillChunk = 512

// Session is one conversation with a model: its KV cache and the activations
// of the chunk or step that runs. It is used by one goroutine.
type Session struct {
	vlm   model.VLM
	ctx   tensor.Ctx
	cache *model.KVCache
	room  int
	ids   []int32 // of the tokens in the cache
	one   [1]int32
	seq   model.Sequence
	past  [1]*model.KVCache

	pictures []picture     // whose features are in the cache, in order
	memory   *model.Prompt // whose tokens and pictures the decoder reads by cross-attention; nil: none
}

// NewSession makes room for capacity tokens, or for the model's whole context if
// capacity is 0. pool may be nil.
func NewSession(vlm model.VLM, capacity int, pool *kernel.Pool) *Session {
	if most := vlm.Decoder().Context(); capacity <= 0 || capacity > most {
		capacity = most
	}
	s := &Session{vlm: vlm, cache: vlm.Decoder().NewCache(capacity), room: capacity, ids: make([]int32, 0, capacity)}
	s.ctx.Pool = pool
	s.past[0] = s.cache
	return s
}

// IDs are the tokens in the cache that the decoder has read, placeholders of pictures included.
func (s *Session) IDs() []int32 { return s.ids }

// Room is the number of tokens that still fit.
func (s *Session) Room() int { return s.room - len(s.ids) }

// Truncate forgets all tokens but the first n; with n = 0, what was encoded for
// cross-attention too.
func (s *Session) Truncate(n int) {
	if n == 0 {
		s.memory = nil
	}
	s.cache.Truncate(n)
	s.ids = s.ids[:n]
	for len(s.pictures) > 0 && s.pictures[len(s.pictures)-1].at >= n {
		s.pictures = s.pictures[:len(s.pictures)-1]
	}
}

// Prefill runs a prompt behind what is in the cache and returns the logits that
// follow it, valid until the next call. A prompt that brings something for
// cross-attention starts the session anew. When Prefill fails the cache is as
// before, or empty if it was to start anew and has begun to.
func (s *Session) Prefill(ctx context.Context, p *model.Prompt) ([]float32, error) {
	if err := s.check(p); err != nil {
		return nil, err
	}
	if p.Remembers() {
		s.Truncate(0)
		s.memory = p
	}
	// What is embedded outlives the chunks, which take the memory that encoding took.
	s.ctx.Reset()
	all := s.vlm.Embed(&s.ctx, p)
	all.X, all.Memory = kept(all.X), kept(all.Memory)
	for i, d := range all.Deep {
		all.Deep[i] = kept(d)
	}
	before, ids := len(s.ids), p.Reads()
	s.cache.PromptOr(before + len(ids))
	var h *tensor.Tensor
	for at := 0; at < len(ids); at += prefillChunk {
		if err := ctx.Err(); err != nil {
			s.Truncate(before)
			return nil, err
		}
		n := min(prefillChunk, len(ids)-at)
		s.ctx.Reset()
		h = s.forward(all.Cut(at, at+n))
		s.ids = append(s.ids, ids[at:at+n]...)
	}
	if p.DecoderIDs == nil { // else placeholders are the encoder's
		for i, at := range p.At {
			s.pictures = append(s.pictures, picture{before + at, p.Images[i]})
		}
	}
	last := tensor.From(h.Row(h.Rows()-1), 1, h.Cols())
	return s.vlm.Decoder().Logits(&s.ctx, last).F32, nil
}

// kept is a copy of t that outlives a reset.
func kept(t *tensor.Tensor) *tensor.Tensor {
	if t == nil {
		return nil
	}
	return tensor.From(slices.Clone(t.F32), slices.Clone(t.Shape)...)
}

// check tells what is wrong with a prompt that would run next. Placeholders may
// have ids of their own outside the vocabulary.
func (s *Session) check(p *model.Prompt) error {
	room, anew := s.Room(), p.Remembers()
	if anew {
		room = s.room
	}
	switch n := len(p.Reads()); {
	case n == 0:
		return fmt.Errorf("generate: the prompt is empty")
	case n > room:
		return s.tooLong(p, room)
	case !anew && s.memory == nil && (s.cache.Cross != nil || p.DecoderIDs != nil):
		return fmt.Errorf("generate: the prompt has no picture or text for the model's encoder, whose output the decoder needs")
	}
	from := 0
	for i, at := range p.At {
		if err := s.checkIDs(p.IDs, from, at); err != nil {
			return err
		}
		from = s.pictureEnd(p, i)
	}
	if err := s.checkIDs(p.IDs, from, len(p.IDs)); err != nil {
		return err
	}
	return s.checkIDs(p.DecoderIDs, 0, len(p.DecoderIDs))
}

func (s *Session) checkIDs(ids []int32, from, to int) error {
	vocab := s.vlm.Decoder().Vocab()
	for i := from; i < to; i++ {
		if id := ids[i]; id < 0 || int(id) >= vocab {
			return fmt.Errorf("generate: token %d of the prompt is %d, which is not in the model's vocabulary of %d", i, id, vocab)
		}
	}
	return nil
}

// tooLong says by how much, and what of it the pictures take.
func (s *Session) tooLong(p *model.Prompt, left int) error {
	advice, n := "shorten it", s.pictured(p)
	what, fewer := shown(p)
	switch {
	case n > left:
		return fmt.Errorf("generate: the %s alone take %d tokens, and %d of the context's %d are left: %s, or use a model with a longer context",
			what, n, left, s.room, fewer)
	case n > 0:
		advice = fmt.Sprintf("%d of them stand for %s: shorten it, or %s", n, what, fewer)
	}
	return fmt.Errorf("generate: the prompt has %d tokens and %d of the context's %d are left: %s", len(p.Reads()), left, s.room, advice)
}

// shown names what the placeholders of a prompt stand for, and what makes them fewer.
func shown(p *model.Prompt) (what, fewer string) {
	videos := 0
	for _, t := range p.Images {
		if t.Clip != nil {
			videos++
		}
	}
	switch videos {
	case 0:
		return "pictures", "use fewer or smaller pictures"
	case len(p.Images):
		return "videos", "see fewer frames of them"
	}
	return "pictures and videos", "use fewer pictures, and see fewer frames"
}

// pictured is how many of the tokens that the decoder reads stand for pictures.
func (s *Session) pictured(p *model.Prompt) int {
	n := 0
	if p.DecoderIDs == nil { // else placeholders are the encoder's
		for i, at := range p.At {
			n += s.pictureEnd(p, i) - at
		}
	}
	return n
}

// Step runs one token behind what is in the cache and returns the logits that
// follow it, valid until the next call.
func (s *Session) Step(id int32) ([]float32, error) {
	if s.Room() == 0 {
		return nil, ErrContextFull
	}
	if vocab := s.vlm.Decoder().Vocab(); id < 0 || int(id) >= vocab {
		return nil, fmt.Errorf("generate: token %d is not in the model's vocabulary of %d", id, vocab)
	}
	before := s.ctx.Pool.Step()
	s.ctx.Reset()
	s.one[0] = id
	h := s.forward(model.Sequence{X: s.vlm.Decoder().Embed(&s.ctx, s.one[:])})
	s.ids = append(s.ids, id)
	logits := s.vlm.Decoder().Logits(&s.ctx, h).F32
	s.ctx.Pool.Prompt(before)
	return logits, nil
}

func (s *Session) forward(seq model.Sequence) *tensor.Tensor {
	s.seq = seq
	s.seq.Past = s.past[:]
	return s.vlm.Decoder().Forward(&s.ctx, &s.seq)
}

// ErrContextFull is returned by a step for which the cache has no room.
var ErrContextFull = errors.New("generate: the context is full")
