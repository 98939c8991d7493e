package tokenizer

// mergeShort merges in place by scanning for the best pair: quadratic, and fastest for a word.
func (m *bpe) mergeShort(ids []int32, s *scratch) []int32 {
	pairs := s.pairs[:0]
	for i := 0; i+1 < len(ids); i++ {
		pairs = append(pairs, m.pair(ids[i], ids[i+1]))
	}
	s.pairs = pairs
	for {
		at, best := -1, noRank
		for i, p := range pairs {
			if p.rank < best {
				at, best = i, p.rank
			}
		}
		if at < 0 {
			return ids
		}
		ids[at] = pairs[at].id
		ids = append(ids[:at+1], ids[at+2:]...)
		pairs = append(pairs[:at], pairs[at+1:]...)
		if at > 0 {
			pairs[at-1] = m.pair(ids[at-1], ids[at])
		}
		if at < len(pairs) {
			pairs[at] = m.pair(ids[at], ids[at+1])
		}
	}
}

func (m *bpe) pair(left, right int32) merge {
	if p, ok := m.merges[pairKey(left, right)]; ok {
		return p
	}
	return merge{rank: noRank}
}

// symbol is a node of the doubly linked list that mergeLong works on; id < 0 once merged away.
type symbol struct{ id, prev, next int32 }

// candidate is a merge that was possible when it was queued: stale unless left and right still stand at at.
type candidate struct{ rank, at, left, right, id int32 }

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// mergeLong does what mergeShort does in n log n.
func (m *bpe) mergeLong(ids []int32, s *scratch) []int32 {
	nodes, q := s.nodes[:0], queue(s.heap[:0])
	for i, id := range ids {
		nodes = append(nodes, symbol{id: id, prev: int32(i) - 1, next: int32(i) + 1})
	}
	nodes[len(nodes)-1].next = -1
	for i := range nodes {
		m.enqueue(&q, nodes, int32(i))
	}
	for len(q) > 0 {
		c := q.pop()
		left := &nodes[c.at]
		if left.id != c.left || left.next < 0 || nodes[left.next].id != c.right {
			continue
		}
		right := &nodes[left.next]
		left.id, left.next, right.id = c.id, right.next, -1
		if left.next >= 0 {
			nodes[left.next].prev = c.at
		}
		m.enqueue(&q, nodes, left.prev)
		m.enqueue(&q, nodes, c.at)
	}
	s.nodes, s.heap = nodes, q
	ids = ids[:0]
	for i := int32(0); i >= 0; i = nodes[i].next {
		ids = append(ids, nodes[i].id)
	}
	return ids
}

// enqueue adds the merge of nodes[at] with its right neighbour, if there is one.
func (m *bpe) enqueue(q *queue, nodes []symbol, at int32) {
	if at < 0 || nodes[at].next < 0 {
		return
	}
	left, right := nodes[at].id, nodes[nodes[at].next].id
	if p, ok := m.merges[pairKey(left, right)]; ok {
		q.push(candidate{rank: p.rank, at: at, left: left, right: right, id: p.id})
	}
}

// queue is a binary heap; container/heap would box every candidate.
type queue []candidate

func (q *queue) push(c candidate) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 && c.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = c
	*q = h
}

func (q *queue) pop() candidate {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if child >= len(h) || last.before(h[child]) {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	*q = h
	return top
}
