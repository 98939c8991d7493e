package data

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
)

// take says which samples of a data set are taken, and how often.
type take struct {
	n    int // of them
	kind takeKind
}

type takeKind uint8

const (
	first  takeKind = iota // from the beginning, and around
	last                   // from the end on
	random                 // some, in an order that is always the same
)

// at is the index of the i-th that is taken of a set of size samples.
func (t take) at(i, size int) int {
	switch t.kind {
	case last:
		return size - t.n + i
	case random:
		return Shuffled(0, 0, size, i)
	}
	return i % size
}

// blend is a data set made of others, one behind the other.
type blend struct {
	sets  []*Set
	takes []take
	ends  []int    // how many samples there are up to the end of each
	types []string // of each, as the mixture calls them; nil or "" where it does not
}

// add puts a set behind the others. Its problems and its fingerprint become those of
// the whole.
func (b *blend) add(o *opener, s *Set, t take) {
	o.set.typed = b.typed
	if s.Len() == 0 {
		t.n = 0
	}
	n := t.n
	if len(b.ends) > 0 {
		n += b.ends[len(b.ends)-1]
	}
	b.sets, b.takes, b.ends = append(b.sets, s), append(b.takes, t), append(b.ends, n)
	o.set.broken += s.broken
	o.set.problems = append(o.set.problems, s.problems[:min(len(s.problems), maxProblems-len(o.set.problems))]...)
	fmt.Fprintf(o.sum, "%s %+v\n", s.fingerprint, t)
}

func (b *blend) count() int {
	if len(b.ends) == 0 {
		return 0
	}
	return b.ends[len(b.ends)-1]
}

// find tells which set a sample is of, and which of that set it is.
func (b *blend) find(i int) (set, at int) {
	set = sort.SearchInts(b.ends, i+1)
	if set > 0 {
		i -= b.ends[set-1]
	}
	return set, b.takes[set].at(i, b.sets[set].Len())
}

func (b *blend) sample(i int) (*Sample, error) {
	k, i := b.find(i)
	return b.sets[k].At(i)
}

// typed is the type of a sample: that of its set here, or what the set itself says.
func (b *blend) typed(i int) string {
	k, i := b.find(i)
	if k < len(b.types) && b.types[k] != "" {
		return b.types[k]
	}
	return b.sets[k].Type(i)
}

func (b *blend) Close() (err error) {
	for _, s := range b.sets {
		err = errors.Join(err, s.Close())
	}
	return err
}

// whole takes every sample once.
func whole(s *Set) take { return take{n: s.Len()} }

// together is the data set of several files of one format.
func together(path string, names []string, o Options, depth int) (*Set, error) {
	b := &blend{}
	op := &opener{Options: o, name: path, depth: depth, set: &Set{name: path}, sum: sha256.New()}
	for _, name := range names {
		s, err := openFile(name, o, depth+1)
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		op.set.format = s.format
		b.add(op, s, whole(s))
	}
	op.finished(b)
	return op.set, nil
}

// child opens a data set that another names.
func (o *opener) child(b *blend, path string, opts Options, choose func(s *Set) (take, error)) error {
	s, err := openPath(path, opts, o.depth+1)
	if err != nil {
		return err
	}
	t, err := choose(s)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), s.Close())
	}
	b.add(o, s, t)
	return nil
}
