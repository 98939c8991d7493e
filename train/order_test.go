package train

import (
	"slices"
	"testing"
)

// TestEpochs: without weights, an epoch has every sample once.
func TestEpochs(t *testing.T) {
	o := newOrder(3, []int{5, 1, 8}, nil, 1)
	for epoch := range 3 {
		seen := map[[2]int]int{}
		for i := range 14 {
			source, sample := o.at(epoch*14 + i)
			seen[[2]int{source, sample}]++
		}
		if len(seen) != 14 {
			t.Errorf("epoch %d has %d samples", epoch, len(seen))
		}
	}
}

// TestWeights: sources take turns in proportion, evenly, each with epochs of its own.
func TestWeights(t *testing.T) {
	for _, tc := range []struct {
		name    string
		weights []float64
		unit    int
	}{
		{"samples", []float64{3, 1, 6}, 1},
		{"steps", []float64{0.3, 0.1, 0.6}, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sizes := []int{50, 7, 400}
			o := newOrder(3, sizes, tc.weights, tc.unit)
			const turns = 10_000
			seen := make([]map[int]int, 3)
			var run, longest int
			last := -1
			for turn := range turns {
				for k := range tc.unit {
					source, sample := o.at(turn*tc.unit + k)
					if k > 0 && source != last {
						t.Fatalf("place %d is of source %d, the one before of %d", turn*tc.unit+k, source, last)
					}
					if k == 0 && source != last {
						run = 0
					}
					last = source
					if seen[source] == nil {
						seen[source] = map[int]int{}
					}
					seen[source][sample]++
				}
				run++
				longest = max(longest, run)
			}
			for i, w := range []float64{0.3, 0.1, 0.6} {
				n, least, most := 0, turns*tc.unit, 0
				for sample := range sizes[i] {
					n, least, most = n+seen[i][sample], min(least, seen[i][sample]), max(most, seen[i][sample])
				}
				if want := int(w * turns * float64(tc.unit)); n != want {
					t.Errorf("source %d has %d samples, want %d", i, n, want)
				}
				if most-least > 1 {
					t.Errorf("source %d: a sample comes %d times and another %d", i, least, most)
				}
			}
			if longest > 3 {
				t.Errorf("%d turns of a source in a row", longest)
			}
		})
	}
}

// TestAlike: every step is of one kind but the last of a window, and each place comes once.
func TestAlike(t *testing.T) {
	key := func(place int) sortKey { return sortKey{kind: place * 7 % 3 % 2, size: place * 31 % 101} }
	g := &grouped{seed: 5, step: 8, key: key}
	const window = 8 * windowSteps
	for w := range 3 {
		var all []int
		mixed := 0
		for step := range windowSteps {
			kinds, sizes := map[int]bool{}, []int{}
			for i := range 8 {
				place := g.at(w*window + step*8 + i)
				all = append(all, place)
				kinds[key(place).kind] = true
				sizes = append(sizes, key(place).size)
			}
			if len(kinds) > 1 {
				mixed++
			} else if slices.Max(sizes)-slices.Min(sizes) > 30 && step < windowSteps-1 {
				t.Errorf("step %d has sizes %v", step, sizes)
			}
		}
		slices.Sort(all)
		if all[0] != w*window || len(slices.Compact(all)) != window || all[window-1] != (w+1)*window-1 {
			t.Errorf("window %d has other places than its own", w)
		}
		if mixed > 1 {
			t.Errorf("%d mixed steps in a window", mixed)
		}
	}
	first := g.at(9)
	if g.at(2 * window); g.at(9) != first {
		t.Error("a place depends on what was asked before")
	}
}
