package generate

import (
	"cmp"
	"slices"
)

// candidate is a token and how likely it is.
type candidate struct {
	id int32
	p  float64
}

// byLikelihood orders candidates from the most likely on, equal ones by id.
func byLikelihood(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.id, b.id))
}

// topK moves the k most likely candidates to the front, in no order. It takes
// time in proportion to len(items), where sorting a vocabulary would take most
// of a small model's decode step (Hoare 1961, https://doi.org/10.1145/366622.366647).
func topK(items []candidate, k int) {
	for len(items) > 1 && k > 0 && k < len(items) {
		at := partition(items)
		if k <= at {
			items = items[:at]
		} else {
			items, k = items[at+1:], k-at-1
		}
	}
}

// partition moves an item to the place it has in the sorted order, all more
// likely ones before it and the others behind, and returns that place.
func partition(items []candidate) int {
	last := len(items) - 1
	medianLast(items)
	pivot, at := items[last], 0
	for i, c := range items[:last] {
		if byLikelihood(c, pivot) < 0 {
			items[i], items[at] = items[at], c
			at++
		}
	}
	items[at], items[last] = pivot, items[at]
	return at
}

// medianLast swaps the median of the first, middle and last item to the end.
func medianLast(items []candidate) {
	last := len(items) - 1
	for _, pair := range [...][2]int{{0, last / 2}, {0, last}, {last, last / 2}} {
		a, b := &items[pair[0]], &items[pair[1]]
		if byLikelihood(*b, *a) < 0 {
			*a, *b = *b, *a
		}
	}
}

// nucleus keeps the most likely candidates that together have the share p of
// all weights, at least one. It sorts only as many as that needs.
func nucleus(items []candidate, p float64) []candidate {
	need := 0.0
	for _, c := range items {
		need += c.p
	}
	need *= p
	sum := 0.0
	for from, n := 0, 64; from < len(items); from, n = n, 8*n {
		n = min(n, len(items))
		topK(items[from:], n-from)
		slices.SortFunc(items[from:n], byLikelihood)
		for i, c := range items[from:n] {
			if sum += c.p; sum >= need {
				return items[:from+i+1]
			}
		}
	}
	return items
}
