package model

import "github.com/fovea-ml/fovea/ops"

// KVCache is what one sequence has left behind in every layer.
type KVCache struct {
	Layer []*ops.KV
	Cross []*ops.KV // of what an encoder made, for cross-attention; nil for decoders alone

	// Prompt is how many tokens the prompt had that was read first, all chunks of it:
	// the positions of some decoders depend on that. 0: nothing has been read yet.
	Prompt int

	shifts []shift
}

// shift says that from a number of tokens on, positions are by more than the
// tokens held: pictures take fewer positions than tokens where they are counted
// in height and width.
type shift struct{ tokens, by int }

// NewKVCache makes room for capacity tokens in each layer; width is that of a layer's keys.
func NewKVCache(layers, capacity, width int) *KVCache {
	k := &KVCache{Layer: make([]*ops.KV, layers)}
	for i := range k.Layer {
		k.Layer[i] = ops.NewKV(capacity, width)
	}
	return k
}

// NewCrossCache is NewKVCache for a decoder that attends to an encoder's output too.
func NewCrossCache(layers, capacity, width int) *KVCache {
	k := NewKVCache(layers, capacity, width)
	k.Cross = make([]*ops.KV, layers)
	k.forgetMemory(0)
	return k
}

// ReadsMemory reports whether a decoder reads what an encoder made, so that it
// says nothing of a text alone.
func ReadsMemory(d Decoder) bool { return d.NewCache(1).Cross != nil }

// forgetMemory makes room for another encoder's output of so many rows.
func (k *KVCache) forgetMemory(rows int) {
	for i := range k.Cross {
		k.Cross[i] = ops.NewKV(rows, k.Layer[i].Width())
	}
}

// Len is the number of tokens in the cache.
func (k *KVCache) Len() int { return k.Layer[0].Len() }

// Next is the position of the token that comes next.
func (k *KVCache) Next() int {
	n := k.Len()
	if len(k.shifts) > 0 {
		n += k.shifts[len(k.shifts)-1].by
	}
	return n
}

// SetNext says what Next is from now on, until what has been added is forgotten.
func (k *KVCache) SetNext(position int) {
	if position != k.Next() {
		k.shifts = append(k.shifts, shift{k.Len(), position - k.Len()})
	}
}

// Follow makes the tokens behind the first n those of src, whose first n are the same.
func (k *KVCache) Follow(src *KVCache, n int) {
	for i, l := range k.Layer {
		l.Follow(src.Layer[i], n)
	}
	k.Prompt = src.Prompt
	k.shifts = append(k.shifts[:0], src.shifts...)
}

// PromptOr is Prompt, which becomes n if nothing has been read yet.
func (k *KVCache) PromptOr(n int) int {
	if k.Prompt == 0 {
		k.Prompt = n
	}
	return k.Prompt
}

// Truncate forgets all tokens but the first n. What an encoder made stays.
func (k *KVCache) Truncate(n int) {
	for _, l := range k.Layer {
		l.Truncate(n)
	}
	if n == 0 {
		k.Prompt = 0
	}
	for len(k.shifts) > 0 && k.shifts[len(k.shifts)-1].tokens > n {
		k.shifts = k.shifts[:len(k.shifts)-1]
	}
}
