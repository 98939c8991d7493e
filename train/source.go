package train

import (
	"math/rand/v2"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
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
		d, err = data.OpenEasyVQA(s.Path, data.ByImage)
	default:
		d, err = data.OpenLLaVA(s.Path, s.Images)
	}
	return &source{d, s}, err
}

// conversation reads a sample, draws its questions and changes its pictures.
func (s *source) conversation(i int, rng *rand.Rand) ([]model.Turn, error) {
	sample, err := s.At(i)
	if err != nil {
		return nil, err
	}
	conv, err := sample.Conversation(s.draw(sample, rng))
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

// draw picks Ask of a sample's rounds in random order.
func (s *source) draw(sample *data.Sample, rng *rand.Rand) []data.Turn {
	if s.Ask == 0 || sample.Turns[0].Role == data.System {
		return sample.Turns
	}
	var out []data.Turn
	for _, r := range rng.Perm(len(sample.Turns) / 2)[:min(s.Ask, len(sample.Turns)/2)] {
		out = append(out, sample.Turns[2*r], sample.Turns[2*r+1])
	}
	return out
}
