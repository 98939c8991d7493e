package train

import (
	"sort"
	"strconv"
)

// kind is all samples of a stage's sources that are of one type.
type kind struct {
	runs []run
	size int // samples
}

// run is some samples of a source, one behind the other.
type run struct {
	source, from, n int
	before          int // samples of the kind that are ahead of it
}

// at returns sample i of the kind.
func (k *kind) at(i int) (source, sample int) {
	r := k.runs[sort.Search(len(k.runs), func(j int) bool { return k.runs[j].before > i })-1]
	return r.source, r.from + i - r.before
}

// weight is how much is taken of the kind, where so much is taken of each source.
func (k *kind) weight(weights []float64, sets []*source) (sum float64) {
	for _, r := range k.runs {
		sum += float64(weights[r.source]*float64(r.n)) / float64(sets[r.source].Len())
	}
	return sum
}

// typer is a data set whose samples have types.
type typer interface {
	Type(i int) string // "" if it has none
}

// kindsOf parts the samples of all sources by their types, in the order in which these
// appear. The samples of a source that have none are a kind of their own.
func kindsOf(sets []*source) (all []*kind) {
	known := map[string]*kind{}
	for number, set := range sets {
		types, typed := set.Dataset.(typer)
		last := "" // of the run that is being counted
		for i := range set.Len() {
			name := "source " + strconv.Itoa(number)
			if typed && types.Type(i) != "" {
				name = "type " + types.Type(i)
			}
			k := known[name]
			if k == nil {
				k = &kind{}
				known[name], all = k, append(all, k)
			}
			if name != last {
				k.runs = append(k.runs, run{source: number, from: i, before: k.size})
			}
			k.runs[len(k.runs)-1].n++
			k.size++
			last = name
		}
	}
	return all
}
