package generate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// candidates have weights of which many are equal.
func candidates(n int, rng *rand.Rand) []candidate {
	items := make([]candidate, n)
	for i := range items {
		items[i] = candidate{int32(i), math.Exp(-float64(rng.IntN(n/2 + 1)))}
	}
	rng.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items
}

func sorted(items []candidate) []candidate {
	s := slices.Clone(items)
	slices.SortFunc(s, byLikelihood)
	return s
}

func TestTopKIsThePrefixOfTheSortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		for k := range n + 2 {
			items := candidates(n, rng)
			want := sorted(items)
			topK(items, k)
			if got := sorted(items[:min(k, n)]); !slices.Equal(got, want[:len(got)]) {
				t.Fatalf("top %d of %d: got %v, want %v", k, n, got, want[:len(got)])
			}
			if !slices.Equal(sorted(items), want) {
				t.Fatalf("top %d of %d lost an item", k, n)
			}
		}
	}
}

// TestTopKOfOrderedLists guards against time that grows with the square.
func TestTopKOfOrderedLists(t *testing.T) {
	const n, k = 1 << 15, 1000
	for name, p := range map[string]func(i int) float64{
		"equal":   func(int) float64 { return 1 },
		"rising":  func(i int) float64 { return float64(i) },
		"falling": func(i int) float64 { return -float64(i) },
	} {
		items := make([]candidate, n)
		for i := range items {
			items[i] = candidate{int32(i), p(i)}
		}
		want := sorted(items)[:k]
		topK(items, k)
		if !slices.Equal(sorted(items[:k]), want) {
			t.Errorf("%s: wrong items", name)
		}
	}
}

func TestNucleusIsTheShortestPrefix(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 63, 64, 65, 1000} {
		for _, p := range []float64{1e-9, 0.3, 0.9, 0.999999} {
			items := make([]candidate, n)
			for i := range items {
				items[i] = candidate{int32(i), rng.Float64()} // flat: the nucleus is large
			}
			want, all, sum, keep := sorted(items), 0.0, 0.0, 0
			for _, c := range want {
				all += c.p
			}
			for sum < p*all && keep < n {
				sum += want[keep].p
				keep++
			}
			if got := nucleus(items, p); !slices.Equal(got, want[:keep]) {
				t.Errorf("nucleus(%d items, %v) has %d, want %d", n, p, len(got), keep)
			}
		}
	}
}
