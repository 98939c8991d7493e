package train

import (
	"cmp"
	"slices"

	"github.com/fovea-ml/fovea/data"
)

// order says which sample stands at each place of a stage's endless stream. It is
// arithmetic, so that a run can begin anywhere.
//
// Without weights every epoch has each sample of each source once. With weights
// the sources take turns in cycles, and each has epochs of its own. Where the samples of a
// step are to be of one type, the samples of each type are a source here.
type order struct {
	seed  uint64
	sizes []int // samples of each source
	total int
	unit  int    // places in a row that are of one source
	cycle []slot // nil without weights
	turns []int  // of each source in a cycle
}

// slot is a source's turn, and how many it had before in the cycle.
type slot struct{ source, turn int }

// cycleLength is how finely weights are told apart.
const cycleLength = 1000

func newOrder(seed uint64, sizes []int, weights []float64, unit int) *order {
	o := &order{seed: seed, sizes: sizes, unit: unit}
	for _, n := range sizes {
		o.total += n
	}
	if weights != nil {
		o.share(weights)
	}
	return o
}

// share spreads the turns of the sources evenly over a cycle. Every source has one at least.
func (o *order) share(weights []float64) {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	o.turns = make([]int, len(weights))
	for i, w := range weights {
		o.turns[i] = max(1, int(w/sum*cycleLength))
		for turn := range o.turns[i] {
			o.cycle = append(o.cycle, slot{i, turn})
		}
	}
	due := func(s slot) int { return (2*s.turn + 1) * cycleLength / o.turns[s.source] }
	slices.SortStableFunc(o.cycle, func(a, b slot) int { return cmp.Compare(due(a), due(b)) })
}

// at returns the sample, of the source, that stands at a place.
func (o *order) at(place int) (source, sample int) {
	if o.cycle == nil {
		i := data.Shuffled(o.seed, place/o.total, o.total, place%o.total)
		for i >= o.sizes[source] {
			i -= o.sizes[source]
			source++
		}
		return source, i
	}
	turn := place / o.unit
	s := o.cycle[turn%len(o.cycle)]
	nth := (turn/len(o.cycle)*o.turns[s.source]+s.turn)*o.unit + place%o.unit
	n := o.sizes[s.source]
	return s.source, data.Shuffled(o.seed+uint64(s.source)<<48, nth/n, n, nth%n)
}
