package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/model"
)

// packer puts samples together until a sequence is full. It keeps a pool of
// samples that wait: a sequence begins with the one that waits longest, and takes
// the longest that still fits, so that little room is left over. Samples do not see
// each other: attention is within each alone.
type packer struct {
	Pack
	stream *stream
	place  int // of the next sample of the stream
	pool   []waiting
}

// waiting is a sample of the pool.
type waiting struct {
	place  int
	prompt *model.Prompt
	kind   int // sequences have one kind
	tokens int
	tiles  int
}

// next makes a sequence. Samples that are left out on the way are counted in b.
func (p *packer) next(b *batch) (prompts []*model.Prompt) {
	if p.fill(b); len(p.pool) == 0 {
		return nil
	}
	room := waiting{kind: p.pool[0].kind, tokens: p.Tokens, tiles: p.Tiles}
	for i := 0; i >= 0; i = p.best(room) {
		w := p.pool[i]
		p.pool = slices.Delete(p.pool, i, i+1)
		room.tokens -= w.tokens
		room.tiles -= w.tiles
		prompts = append(prompts, w.prompt)
		b.count(w.prompt)
	}
	return prompts
}

// best is the longest of the pool that fits in the room, -1 if none does.
func (p *packer) best(room waiting) int {
	best, most := -1, 0
	for i, w := range p.pool {
		fits := w.kind == room.kind && w.tokens <= room.tokens && (p.Tiles == 0 || w.tiles <= room.tiles)
		if fits && w.tokens > most {
			best, most = i, w.tokens
		}
	}
	return best
}

// fill takes samples of the stream until the pool is full. It gives up where as
// many are of no use.
func (p *packer) fill(b *batch) {
	for bad := 0; len(p.pool) < p.Pool && bad <= p.Pool && b.err == nil; p.place++ {
		prompt := p.stream.sample(p.place, b)
		if prompt == nil {
			bad++
			continue
		}
		w := p.measured(p.place, prompt)
		if p.Tiles > 0 && w.tiles > p.Tiles {
			b.skipped++
			continue
		}
		p.pool = append(p.pool, w)
	}
}

func (p *packer) measured(place int, prompt *model.Prompt) waiting {
	w := waiting{place: place, prompt: prompt, tokens: len(prompt.IDs) + len(prompt.DecoderIDs)}
	for _, img := range prompt.Images {
		w.tiles += len(img.Views.Sizes)
	}
	switch p.stream.stage.Alike {
	case "source", "type":
		w.kind, _ = p.stream.order.at(place)
	case "modality":
		w.kind = min(1, len(prompt.Images))
	}
	return w
}

// cursor is what has been taken so far.
func (p *packer) cursor() cursor {
	c := cursor{Next: p.place}
	for _, w := range p.pool {
		c.Waiting = append(c.Waiting, w.place)
	}
	return c
}

// rewind goes on behind a cursor.
func (p *packer) rewind(c cursor) error {
	p.place, p.pool = c.Next, nil
	for _, place := range c.Waiting {
		b := &batch{}
		prompt := p.stream.sample(place, b)
		if prompt == nil {
			return fmt.Errorf("the sample at place %d can no longer be read: %w", place, errors.Join(append(b.broken, b.err)...))
		}
		p.pool = append(p.pool, p.measured(place, prompt))
	}
	return nil
}
