package tokenizer

import (
	"cmp"
	"container/heap"
	"iter"
)

// tokenPair are the ids of two tokens beside each other.
type tokenPair [2]int32

// trainer counts pairs in the distinct words of the texts. Its ids index tokens: bytes first.
type trainer struct {
	tokens []string
	words  [][]int32
	counts []int
	pairs  map[tokenPair]int
	where  map[tokenPair][]int32 // words that hold a pair, or did before something in them was joined
	queue  pairQueue
}

func newTrainer(texts iter.Seq[string]) *trainer {
	tr := &trainer{pairs: map[tokenPair]int{}, where: map[tokenPair][]int32{}}
	for b := range 256 {
		tr.tokens = append(tr.tokens, string(byteChar(byte(b))))
	}
	index := map[string]int{}
	for text := range texts {
		scanner(scanGPT2).spans(text, func(word string, _ bool) {
			i, ok := index[word]
			if !ok {
				i = len(tr.words)
				index[word] = i
				ids := make([]int32, len(word))
				for k := range len(word) {
					ids[k] = int32(word[k])
				}
				tr.words, tr.counts = append(tr.words, ids), append(tr.counts, 0)
			}
			tr.counts[i]++
		})
	}
	for i, w := range tr.words {
		tr.count(i, 1)
		for pair := range pairsOf(w) {
			tr.found(pair, i)
		}
	}
	tr.queue.less = tr.before
	for pair, n := range tr.pairs {
		tr.queue.all = append(tr.queue.all, counted{pair, n})
	}
	heap.Init(&tr.queue)
	return tr
}

// pairsOf are the pairs of a word, from left to right.
func pairsOf(w []int32) iter.Seq[tokenPair] {
	return func(yield func(tokenPair) bool) {
		for k := 0; k+1 < len(w) && yield(tokenPair{w[k], w[k+1]}); k++ {
		}
	}
}

// count adds word i's pairs, sign times.
func (tr *trainer) count(i, sign int) {
	for pair := range pairsOf(tr.words[i]) {
		tr.pairs[pair] += sign * tr.counts[i]
	}
}

// found notes that word i holds a pair.
func (tr *trainer) found(pair tokenPair, i int) {
	if in := tr.where[pair]; len(in) == 0 || in[len(in)-1] != int32(i) {
		tr.where[pair] = append(in, int32(i))
	}
}

// best is the most frequent pair that makes a new token; one that is seen once teaches nothing.
func (tr *trainer) best(vocab map[string]int32) (tokenPair, bool) {
	for len(tr.queue.all) > 0 {
		top := &tr.queue.all[0]
		n := tr.pairs[top.pair]
		_, taken := vocab[tr.tokens[top.pair[0]]+tr.tokens[top.pair[1]]]
		switch {
		case taken || n < 2:
			heap.Pop(&tr.queue)
		case n != top.n: // some of its words were joined
			top.n = n
			heap.Fix(&tr.queue, 0)
		default:
			return top.pair, true
		}
	}
	return tokenPair{}, false
}

// merge joins a pair everywhere and returns the new token.
func (tr *trainer) merge(pair tokenPair) string {
	id := int32(len(tr.tokens))
	token := tr.tokens[pair[0]] + tr.tokens[pair[1]]
	tr.tokens = append(tr.tokens, token)
	fresh := map[tokenPair]bool{}
	for _, i := range tr.where[pair] {
		tr.mergeIn(int(i), pair, id, fresh)
	}
	for p := range fresh {
		heap.Push(&tr.queue, counted{p, tr.pairs[p]})
	}
	delete(tr.where, pair)
	return token
}

// mergeIn joins a pair in word i, and adds the pairs that are new there.
func (tr *trainer) mergeIn(i int, pair tokenPair, id int32, fresh map[tokenPair]bool) {
	tr.count(i, -1)
	old, w := tr.words[i], tr.words[i][:0]
	for k := 0; k < len(old); k++ {
		if k+1 < len(old) && old[k] == pair[0] && old[k+1] == pair[1] {
			w = append(w, id)
			k++
			continue
		}
		w = append(w, old[k])
	}
	tr.words[i] = w
	tr.count(i, 1)
	for p := range pairsOf(w) {
		if p[0] == id || p[1] == id {
			tr.found(p, i)
			fresh[p] = true
		}
	}
}

// before reports whether a is joined before b: it is more frequent, or sorts first.
func (tr *trainer) before(a, b counted) bool {
	return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(tr.tokens[a.pair[0]], tr.tokens[b.pair[0]]), cmp.Compare(tr.tokens[a.pair[1]], tr.tokens[b.pair[1]])) < 0
}

// counted is a pair and how often it was seen when it was queued.
type counted struct {
	pair tokenPair
	n    int
}

// pairQueue is a heap of pairs, the most frequent first. Counts that have fallen since
// are put right when their pair comes to the top; those that have risen are queued again.
type pairQueue struct {
	all  []counted
	less func(a, b counted) bool
}

func (q *pairQueue) Len() int           { return len(q.all) }
func (q *pairQueue) Less(i, j int) bool { return q.less(q.all[i], q.all[j]) }
func (q *pairQueue) Swap(i, j int)      { q.all[i], q.all[j] = q.all[j], q.all[i] }
func (q *pairQueue) Push(x any)         { q.all = append(q.all, x.(counted)) }

func (q *pairQueue) Pop() any {
	last := q.all[len(q.all)-1]
	q.all = q.all[:len(q.all)-1]
	return last
}
