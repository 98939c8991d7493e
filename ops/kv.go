package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// kvStart is the number of tokens that a cache has memory for at first.
const kvStart = 2048

// KV holds the keys and values that one attention layer has seen of one sequence.
// Its memory grows with what it holds: a model that allows a long context costs
// no more than the conversation needs.
type KV struct {
	k, v     store
	width    int
	capacity int
	n        int
}

// NewKV returns an empty cache for up to capacity tokens, with keys and values of
// width = KVHeads·head width, stored as F32.
func NewKV(capacity, width int) *KV { return &KV{width: width, capacity: capacity} }

// Store has an empty cache store its elements as F32, or as F16 or BF16 in half the memory.
func (kv *KV) Store(dtype tensor.DType) {
	if kv.n > 0 {
		panic(fmt.Sprintf("ops: KV: Store(%v) with %d tokens in it", dtype, kv.n))
	}
	kv.k, kv.v = store{dtype: dtype}, store{dtype: dtype}
}

// Width is that of a key.
func (kv *KV) Width() int { return kv.width }

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

// Follow makes the tokens behind the first n those of src, whose first n are the same.
func (kv *KV) Follow(src *KV, n int) {
	kv.Truncate(n)
	rows := src.n - n
	if kv.n == 0 {
		kv.k, kv.v = store{dtype: src.k.dtype}, store{dtype: src.v.dtype}
	}
	if rows > kv.capacity-kv.n || kv.width != src.width || kv.k.dtype != src.k.dtype {
		panic(fmt.Sprintf("ops: KV: %d tokens of width %d in %v to follow %d of %d in %v", kv.capacity, kv.width, kv.k.dtype, src.n, src.width, src.k.dtype))
	}
	if src.n*kv.width > kv.k.len() {
		kv.grow(min(max(src.n, kvStart), kv.capacity))
	}
	kv.k.copy(&src.k, n*kv.width, src.n*kv.width)
	kv.v.copy(&src.v, n*kv.width, src.n*kv.width)
	kv.n = src.n
}

// append adds rows of keys and values.
func (kv *KV) append(k, v []float32) {
	rows := len(k) / kv.width
	if rows > kv.capacity-kv.n {
		panic(fmt.Sprintf("ops: KV: %d tokens more than the %d held do not fit into %d", rows, kv.n, kv.capacity))
	}
	if need := kv.n + rows; need*kv.width > kv.k.len() {
		kv.grow(min(max(need, 2*kv.n, kvStart), kv.capacity))
	}
	kv.k.put(kv.n*kv.width, k)
	kv.v.put(kv.n*kv.width, v)
	kv.n += rows
}

// grow makes memory for tokens and keeps what is held.
func (kv *KV) grow(tokens int) {
	kv.k.grow(tokens*kv.width, kv.n*kv.width)
	kv.v.grow(tokens*kv.width, kv.n*kv.width)
}

// matrices are the keys and the values held, a row for each token.
func (kv *KV) matrices() (k, v kernel.Mat) {
	return kv.k.matrix(kv.n, kv.width), kv.v.matrix(kv.n, kv.width)
}

// store is an array of floats of some dtype.
type store struct {
	dtype tensor.DType
	f32   []float32
	raw   []byte
}

func (s *store) len() int { return len(s.f32) + len(s.raw)/2 }

// put stores x from element at on.
func (s *store) put(at int, x []float32) {
	if s.dtype == tensor.F32 {
		copy(s.f32[at:], x)
		return
	}
	kernel.FromF32(s.raw[2*at:2*(at+len(x))], x, s.dtype)
}

// copy copies the elements [lo, hi) of a store of the same dtype.
func (s *store) copy(src *store, lo, hi int) {
	if s.dtype == tensor.F32 {
		copy(s.f32[lo:hi], src.f32[lo:hi])
		return
	}
	copy(s.raw[2*lo:2*hi], src.raw[2*lo:2*hi])
}

// grow makes room for n elements and keeps the first held.
func (s *store) grow(n, held int) {
	if s.dtype == tensor.F32 {
		s.f32 = append(make([]float32, 0, n), s.f32[:held]...)[:n]
		return
	}
	s.raw = append(make([]byte, 0, 2*n), s.raw[:2*held]...)[:2*n]
}

func (s *store) matrix(rows, cols int) kernel.Mat {
	return kernel.Mat{Rows: rows, Cols: cols, Stride: cols, DType: s.dtype, F32: s.f32, Raw: s.raw}
}
