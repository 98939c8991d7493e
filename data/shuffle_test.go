package data

import (
	"slices"
	"testing"
)

func TestShuffledIsPermutation(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 16, 17, 100, 4096, 4097} {
		for epoch := range 3 {
			seen := make([]bool, n)
			for at := range n {
				i := Shuffled(7, epoch, n, at)
				if i < 0 || i >= n || seen[i] {
					t.Fatalf("n %d, epoch %d: place %d gives %d again or outside", n, epoch, at, i)
				}
				seen[i] = true
			}
		}
	}
}

func TestShuffledMixes(t *testing.T) {
	order := func(seed uint64, epoch int) []int {
		all := make([]int, 1000)
		for at := range all {
			all[at] = Shuffled(seed, epoch, len(all), at)
		}
		return all
	}
	base := order(7, 0)
	for _, other := range [][]int{order(7, 1), order(8, 0)} {
		same := 0
		for i := range base {
			if base[i] == other[i] {
				same++
			}
		}
		if same > 8 {
			t.Errorf("%d of 1000 places are the same in two orders", same)
		}
	}
	// In a random order about one pair in 500 of neighbours stays together.
	neighbours := 0
	for i := 1; i < len(base); i++ {
		if d := base[i] - base[i-1]; d == 1 || d == -1 {
			neighbours++
		}
	}
	if neighbours > 10 {
		t.Errorf("%d pairs of neighbours stay together", neighbours)
	}
	if got, want := base[:6], []int{477, 175, 474, 138, 35, 691}; !slices.Equal(got, want) {
		t.Errorf("order begins with %v, want %v", got, want)
	}
}

func TestShuffledPanics(t *testing.T) {
	for _, at := range []int{-1, 5} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic at place %d of 5", at)
				}
			}()
			Shuffled(1, 0, 5, at)
		}()
	}
}
