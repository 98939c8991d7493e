package train

import (
	"math/rand/v2"

	"github.com/fovea-ml/fovea/model"
)

// stream is the endless row of a stage's samples. What stands at a place depends
// on the seed, the stage and the place alone, so that a resumed run sees the same.
type stream struct {
	recipe *Recipe
	number int // of the stage
	stage  *Stage
	proc   model.Processor
	pairer *pairer // of a stage that learns pairs
	ground ground  // in the words of the model's family
	sets   []*source
	kinds  []*kind  // of the samples of all sets, by type; nil: each set is one
	order  *order   // of kinds
	alike  *grouped // nil: as ordered
	total  int      // samples of all sets
	most   int      // tokens of a sample
	fixed  [][2]int // source and sample at each place; nil: as ordered
}

func newStream(r *Recipe, number int, sets []*source, proc model.Processor, context int) *stream {
	st := &r.Stages[number]
	s := &stream{recipe: r, number: number, stage: st, proc: proc, sets: sets, most: context}
	if st.MaxTokens > 0 {
		s.most = min(st.MaxTokens, context)
	}
	if st.Pack != nil {
		s.most = min(st.Pack.Tokens, s.most)
	}
	if st.Alike == "type" {
		s.kinds = kindsOf(sets)
	}
	s.order = s.newOrder(r.Seed + uint64(number)<<32)
	s.total = s.order.total
	if st.Alike == "length" || st.Alike == "modality" && st.Pack == nil {
		s.alike = &grouped{seed: s.order.seed, step: st.Batch * st.Accumulate, key: s.key}
	}
	return s
}

// newOrder orders the samples of the stage.
func (s *stream) newOrder(seed uint64) *order {
	var sizes []int
	for _, set := range s.sets {
		sizes = append(sizes, set.Len())
	}
	weights, unit := s.stage.weights(sizes)
	if s.kinds == nil {
		return newOrder(seed, sizes, weights, unit)
	}
	var ofKinds []float64
	sizes = nil
	for _, k := range s.kinds {
		sizes = append(sizes, k.size)
		if weights != nil {
			ofKinds = append(ofKinds, k.weight(weights, s.sets))
		}
	}
	return newOrder(seed, sizes, ofKinds, unit)
}

// weights are how much of each source the stage takes, nil if each sample
// once, and how many samples in a row are of one source, or of one type.
func (s *Stage) weights(sizes []int) (weights []float64, unit int) {
	unit = 1
	if (s.Alike == "source" || s.Alike == "type") && s.Pack == nil {
		unit = s.Batch * s.Accumulate
	}
	if s.Data[0].Weight == 0 && unit == 1 {
		return nil, 1
	}
	for i, d := range s.Data {
		w := d.Weight
		if w == 0 {
			w = float64(sizes[i])
		}
		weights = append(weights, w)
	}
	return weights, unit
}

// at returns the source and the sample that stand at a place.
func (s *stream) at(place int) (source, sample int) {
	if s.fixed != nil {
		return s.fixed[place][0], s.fixed[place][1]
	}
	if s.alike != nil {
		place = s.alike.at(place)
	}
	return s.ordered(place)
}

// ordered returns what stands at a place of the order.
func (s *stream) ordered(place int) (source, sample int) {
	source, sample = s.order.at(place)
	if s.kinds != nil {
		return s.kinds[source].at(sample)
	}
	return source, sample
}

// key tells how alike the sample at a place of the order is to others. A sample
// that cannot be read is told about where it is learned.
func (s *stream) key(place int) sortKey {
	set, i := s.ordered(place)
	sample, err := s.sets[set].At(i)
	if err != nil {
		return sortKey{}
	}
	var k sortKey
	if len(sample.Images) > 0 {
		k.kind = 1
	}
	if s.stage.Alike == "length" {
		for _, t := range sample.Turns {
			k.size += len(t.Text)
		}
	}
	return k
}

// conversation reads the one at a place, nil if it has nothing that is asked for.
func (s *stream) conversation(place int) (*source, []model.Turn, error) {
	set, i := s.at(place)
	rng := rand.New(rand.NewPCG(s.recipe.Seed^uint64(s.number)<<56, uint64(place)))
	conv, err := s.sets[set].conversation(i, rng, s.ground)
	return s.sets[set], conv, err
}

// prompt makes the sample that stands at a place.
func (s *stream) prompt(place int) (*model.Prompt, error) {
	from, conv, err := s.conversation(place)
	if err != nil || conv == nil {
		return &model.Prompt{}, err
	}
	if from.Apart {
		return s.proc.LearnApart(conv)
	}
	return s.proc.Learn(conv)
}
