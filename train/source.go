package train

import (
	"math/rand/v2"
	"slices"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// source is an open data set with the settings of how to use it.
type source struct {
	data.Dataset
	Source
}

// open opens the data set of a recipe's entry, one sample for each picture.
func (s Source) open() (*source, error) {
	var d data.Dataset
	var err error
	switch s.Format {
	case "scenes":
		opts := scenes.Options{Side: s.Side, Questions: s.Questions}
		for _, t := range s.Types {
			opts.Types = append(opts.Types, scenes.Type(t))
		}
		d, err = data.NewScenes(s.Seed, s.Count, opts, data.ByImage)
	case "easy-vqa":
		d, err = data.OpenEasyVQA(s.Path, data.ByImage, imageproc.Options{})
	default:
		d, err = data.OpenLLaVA(s.Path, s.Images, imageproc.Options{})
	}
	return &source{d, s}, err
}

// conversation reads a sample, draws its questions and changes its pictures.
func (s *source) conversation(i int, rng *rand.Rand) ([]model.Turn, error) {
	sample, err := s.At(i)
	if err != nil {
		return nil, err
	}
	turns := s.draw(sample, rng)
	if len(turns) == 0 {
		return nil, nil // nothing of the kinds asked for
	}
	conv, err := sample.Conversation(turns)
	if err != nil {
		return nil, err
	}
	for t := range conv {
		for k, img := range conv[t].Images {
			conv[t].Images[k] = s.Augment.apply(img, rng)
		}
	}
	return conv, nil
}

// draw picks Ask of a sample's rounds in random order, of the kinds that the
// source asks for.
func (s *source) draw(sample *data.Sample, rng *rand.Rand) []data.Turn {
	if s.Ask == 0 && s.Types == nil || sample.Turns[0].Role == data.System {
		return sample.Turns
	}
	var rounds []int
	for r := range len(sample.Turns) / 2 {
		if s.Types == nil || r < len(sample.Meta) && slices.Contains(s.Types, sample.Meta[r].Type) {
			rounds = append(rounds, r)
		}
	}
	if s.Ask > 0 {
		rng.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })
		rounds = rounds[:min(s.Ask, len(rounds))]
	}
	var out []data.Turn
	for _, r := range rounds {
		out = append(out, sample.Turns[2*r], sample.Turns[2*r+1])
	}
	return out
}
