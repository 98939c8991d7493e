package tensor

import "slices"

// arena hands out memory that lives until the Ctx is reset. Chunks are kept and
// reused, so that a run which repeats its shapes allocates nothing after the first time.
type arena struct {
	f32   slab[float32]
	ints  slab[int]
	heads slab[Tensor]
	depth int // scopes entered and not left

	spares []spare
}

// spare is the memory of a gradient that is done with, and the scope it lives in.
type spare struct {
	floats []float32
	depth  int
}

const (
	f32Chunk  = 1 << 18
	intChunk  = 1 << 10
	headChunk = 1 << 8
)

// floats begin at a cache line, as chunks do.
func (a *arena) floats(n int) []float32 {
	const line = 64 / 4
	return a.f32.take((n+line-1)/line*line, f32Chunk)[:n:n]
}

// gradient returns n floats for a tensor of the current scope: the newest spare ones of
// that size, if there are any.
func (a *arena) gradient(n int) []float32 {
	for i, s := range slices.Backward(a.spares) {
		if len(s.floats) == n && s.depth == a.depth {
			a.spares = slices.Delete(a.spares, i, i+1)
			return s.floats
		}
	}
	return a.floats(n)
}

func (a *arena) shape(s []int) []int {
	d := a.ints.take(len(s), intChunk)
	copy(d, s)
	return d
}

func (a *arena) header() *Tensor {
	h := &a.heads.take(1, headChunk)[0]
	*h = Tensor{arena: a, depth: a.depth}
	return h
}

// enter begins a scope: leave frees everything allocated since.
func (a *arena) enter() scope {
	a.depth++
	return a.here()
}

func (a *arena) leave(s scope) {
	a.depth--
	a.spares = slices.DeleteFunc(a.spares, func(s spare) bool { return s.depth > a.depth })
	a.back(s)
}

// here is where the arena stands: back frees everything allocated since, which no
// gradient may need.
func (a *arena) here() scope { return scope{a.f32.at, a.ints.at, a.heads.at} }

func (a *arena) back(s scope) { a.f32.at, a.ints.at, a.heads.at = s.f32, s.ints, s.heads }

// reset frees everything.
func (a *arena) reset() {
	a.f32.reset()
	a.ints.reset()
	a.heads.reset()
	a.depth, a.spares = 0, a.spares[:0]
}

// scope is where an arena stood when the scope began.
type scope struct{ f32, ints, heads position }

// position is a chunk and the elements used in it.
type position struct{ chunk, used int }

// slab is a list of chunks of which the first at.chunk are full. A new one is at
// least half as large as all before it, so that there are few, and runs of varying
// shapes strand few ends of chunks. Memory that is never used costs nothing.
type slab[E any] struct {
	chunks [][]E
	held   int // elements of all chunks
	at     position
	most   []int // elements of each chunk that have ever been taken
}

// take returns n elements with whatever was in them before.
func (s *slab[E]) take(n, chunk int) []E {
	for s.at.chunk < len(s.chunks) {
		if c := s.chunks[s.at.chunk]; s.at.used+n <= len(c) {
			e := c[s.at.used : s.at.used+n : s.at.used+n]
			s.at.used += n
			s.most[s.at.chunk] = max(s.most[s.at.chunk], s.at.used)
			return e
		}
		s.at = position{chunk: s.at.chunk + 1}
	}
	s.chunks = append(s.chunks, make([]E, max(n, chunk, s.held/2)))
	s.at = position{chunk: len(s.chunks) - 1, used: n}
	s.held += len(s.chunks[s.at.chunk])
	s.most = append(s.most, n)
	return s.chunks[s.at.chunk][:n:n]
}

// taken is the number of elements that have ever been in use: memory that was touched.
func (s *slab[E]) taken() (n int) {
	for _, m := range s.most {
		n += m
	}
	return n
}

// reset frees everything.
func (s *slab[E]) reset() { s.at = position{} }
