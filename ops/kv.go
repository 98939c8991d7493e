package ops

import "fmt"

// KV holds the keys and values that one attention layer has seen of one sequence.
type KV struct {
	k, v  []float32 // [capacity, width]
	width int
	n     int
}

// NewKV returns an empty cache for up to capacity tokens, with keys and values of
// width = KVHeads·head width.
func NewKV(capacity, width int) *KV {
	return &KV{k: make([]float32, capacity*width), v: make([]float32, capacity*width), width: width}
}

// Len is the number of tokens held.
func (kv *KV) Len() int { return kv.n }

// Cap is the number of tokens that there is room for.
func (kv *KV) Cap() int { return len(kv.k) / max(kv.width, 1) }

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
	if kv.n+rows > kv.Cap() {
		panic(fmt.Sprintf("ops: KV: %d tokens more than the %d held do not fit into %d", rows, kv.n, kv.Cap()))
	}
	copy(kv.k[kv.n*kv.width:], k)
	copy(kv.v[kv.n*kv.width:], v)
	kv.n += rows
}
