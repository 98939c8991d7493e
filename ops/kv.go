package ops

import "fmt"

// kvStart is the number of tokens that a cache has memory for at first.
const kvStart = 2048

// KV holds the keys and values that one attention layer has seen of one sequence.
// Its memory grows with what it holds: a model that allows a long context costs
// no more than the conversation needs.
type KV struct {
	k, v     []float32 // [tokens that there is memory for, width]
	width    int
	capacity int
	n        int
}

// NewKV returns an empty cache for up to capacity tokens, with keys and values of
// width = KVHeads·head width.
func NewKV(capacity, width int) *KV {
	kv := &KV{width: width, capacity: capacity}
	kv.grow(min(capacity, kvStart))
	return kv
}

// Len is the number of tokens held.
func (kv *KV) Len() int { return kv.n }

// Cap is the number of tokens that there is room for.
func (kv *KV) Cap() int { return kv.capacity }

// Truncate forgets all but the first n tokens.
func (kv *KV) Truncate(n int) {
	if n < 0 || n > kv.n {
		panic(fmt.Sprintf("ops: KV: Truncate(%d) of %d tokens", n, kv.n))
	}
	kv.n = n
}

// append adds rows of keys and values.
func (kv *KV) append(k, v []float32) {
	rows := len(k) / kv.width
	if rows > kv.capacity-kv.n {
		panic(fmt.Sprintf("ops: KV: %d tokens more than the %d held do not fit into %d", rows, kv.n, kv.capacity))
	}
	if need := kv.n + rows; need*kv.width > len(kv.k) {
		kv.grow(min(max(need, 2*kv.n), kv.capacity))
	}
	copy(kv.k[kv.n*kv.width:], k)
	copy(kv.v[kv.n*kv.width:], v)
	kv.n += rows
}

// grow makes memory for tokens and keeps what is held.
func (kv *KV) grow(tokens int) {
	held := kv.n * kv.width
	k, v := make([]float32, tokens*kv.width), make([]float32, tokens*kv.width)
	copy(k, kv.k[:held])
	copy(v, kv.v[:held])
	kv.k, kv.v = k, v
}
