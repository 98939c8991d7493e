package generate

import (
	"context"
	"iter"
	"slices"

	"github.com/fovea-ml/fovea/model"
)

// picture is one whose features are in the cache.
type picture struct {
	at    int // its first placeholder
	tiles *model.Tiles
}

// Extend makes the cache hold exactly the prompt, a whole conversation, and
// returns the logits that follow it, valid until the next call. What the cache
// has in common with its beginning, tokens and pictures, stays; only the rest
// runs. A prompt that does not fit leaves the cache as it was; after any other
// failure it holds what was in common.
func (s *Session) Extend(ctx context.Context, p *model.Prompt) ([]float32, error) {
	n := s.Common(p)
	if len(p.Reads()) > s.room {
		return nil, s.tooLong(p, s.room)
	}
	s.Truncate(n)
	return s.Prefill(ctx, behind(p, n))
}

// Common is the number of tokens of the prompt that Extend need not run again. It
// leaves at least one to be run, and never ends inside a picture. Nothing is in
// common with a prompt that was encoded from other tokens or pictures.
func (s *Session) Common(p *model.Prompt) int {
	if !s.remembers(p) {
		return 0
	}
	ids := p.Reads()
	// Positions may depend on how long the prompt is.
	if d, ok := s.vlm.Decoder().(interface{ Alike(a, b int) bool }); ok && !d.Alike(s.cache.Prompt, len(ids)) {
		return 0
	}
	n := min(len(s.ids), max(0, len(ids)-1))
	for i := range n {
		if s.ids[i] != ids[i] {
			n = i
			break
		}
	}
	if p.Remembers() {
		return n
	}
	for i, at := range p.At {
		if at >= n {
			break
		}
		if i >= len(s.pictures) || !s.pictures[i].same(p.Images[i], at) || s.pictureEnd(p, i) > n {
			return at
		}
	}
	return n
}

// remembers reports whether what the decoder reads by cross-attention is what the
// prompt brings.
func (s *Session) remembers(p *model.Prompt) bool {
	m := s.memory
	if m == nil || !p.Remembers() {
		return m == nil && !p.Remembers()
	}
	if len(m.Images) != len(p.Images) || !slices.Equal(m.At, p.At) || (m.DecoderIDs == nil) != (p.DecoderIDs == nil) {
		return false
	}
	for i, t := range m.Images {
		if !(picture{tiles: t}).same(p.Images[i], 0) {
			return false
		}
	}
	return p.DecoderIDs == nil || slices.Equal(m.IDs, p.IDs)
}

// pictureEnd is the token behind the placeholders of picture i. A model that does
// not tell how many those are has equal ones.
func (s *Session) pictureEnd(p *model.Prompt, i int) int {
	if v, ok := s.vlm.(interface{ Tokens(*model.Tiles) int }); ok {
		return p.At[i] + v.Tokens(p.Images[i])
	}
	stop := len(p.IDs)
	if i+1 < len(p.At) {
		stop = p.At[i+1]
	}
	end := p.At[i] + 1
	for end < stop && p.IDs[end] == p.IDs[p.At[i]] {
		end++
	}
	return end
}

// same reports whether a picture at a place has the same pixels and, so that its
// tiles enter alike, size, times and text for the adapter.
func (q picture) same(t *model.Tiles, at int) bool {
	return q.at == at && (q.tiles == t || q.tiles.Original == t.Original && slices.Equal(q.tiles.Text, t.Text) && sameClip(q.tiles.Clip, t.Clip) &&
		slices.Equal(q.tiles.Views.Sizes, t.Views.Sizes) && slices.Equal(q.tiles.Views.Frames, t.Views.Frames) && slices.Equal(q.tiles.Views.Pixels, t.Views.Pixels))
}

func sameClip(a, b *model.Clip) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.FPS == b.FPS && slices.Equal(a.Times, b.Times)
}

// behind is the prompt without its first n tokens and their pictures. What has
// been encoded for the first stays for the others.
func behind(p *model.Prompt, n int) *model.Prompt {
	switch {
	case n == 0:
		return p
	case p.DecoderIDs != nil:
		return &model.Prompt{DecoderIDs: p.DecoderIDs[n:]}
	}
	out := &model.Prompt{IDs: p.IDs[n:]}
	for i, at := range p.At {
		if at >= n {
			out.At = append(out.At, at-n)
			out.Images = append(out.Images, p.Images[i])
		}
	}
	return out
}

// From yields the answer that begins with logits, those which Prefill or Extend
// returned; otherwise it is Tokens.
func (a *Answer) From(ctx context.Context, logits []float32) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) { a.run(ctx, logits, yield) }
}
