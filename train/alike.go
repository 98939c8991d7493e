package train

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// grouped reorders a stream so that the samples of a step are alike: windows of
// it are sorted, cut into steps, and the steps shuffled. Where samples of several
// kinds remain over, a window ends with a step that mixes them (LLaVA's
// group_by_modality_length).
type grouped struct {
	seed   uint64
	step   int                     // samples of a step
	key    func(place int) sortKey // of the sample at a place of the stream
	window int                     // that places are of
	places []int
}

// sortKey is what makes samples alike: of one kind, and of a similar size.
type sortKey struct{ kind, size int }

// windowSteps are the steps that a window has.
const windowSteps = 32

// at returns which place of the stream stands at a place of the new order.
func (g *grouped) at(place int) int {
	n := g.step * windowSteps
	if w := place / n; g.places == nil || w != g.window {
		g.window, g.places = w, g.sorted(w*n, n)
	}
	return g.places[place%n]
}

func (g *grouped) sorted(from, n int) []int {
	keys := make(map[int]sortKey, n)
	all := make([]int, n)
	for i := range all {
		all[i] = from + i
		keys[from+i] = g.key(from + i)
	}
	slices.SortStableFunc(all, func(a, b int) int {
		x, y := keys[a], keys[b]
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.size, y.size))
	})
	whole, rest := g.cut(all, func(place int) int { return keys[place].kind })
	rng := rand.New(rand.NewPCG(g.seed, uint64(from)))
	rng.Shuffle(len(whole), func(i, j int) { whole[i], whole[j] = whole[j], whole[i] })
	return append(slices.Concat(whole...), rest...)
}

// cut makes whole steps of each kind of sorted places; the rest is over.
func (g *grouped) cut(all []int, kind func(int) int) (whole [][]int, rest []int) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && kind(all[n]) == kind(all[0]) {
			n++
		}
		whole = slices.AppendSeq(whole, slices.Chunk(all[:n-n%g.step], g.step))
		rest = append(rest, all[n-n%g.step:n]...)
		all = all[n:]
	}
	return whole, rest
}
