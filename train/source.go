package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"

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

// open opens the data sets of every stage.
func (r *Recipe) open() (sets [][]*source, err error) {
	sets = make([][]*source, len(r.Stages))
	for i, st := range r.Stages {
		for k, d := range st.Data {
			s, err := d.open()
			if err != nil {
				return nil, errors.Join(fmt.Errorf("stage %d (%s): data %d: %w", i+1, st.Name, k+1, err), closeSets(sets))
			}
			sets[i] = append(sets[i], s)
		}
	}
	return sets, nil
}

// closeSets closes the data sets that hold files open.
func closeSets(sets [][]*source) (err error) {
	for _, s := range slices.Concat(sets...) {
		if c, ok := s.Dataset.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// open opens the data set of a recipe's entry, one sample for each picture.
func (s Source) open() (*source, error) {
	var d data.Dataset
	var err error
	switch s.Format {
	case "scenes":
		opts := scenes.Options{Side: s.Side, Questions: s.Questions, Objects: s.Objects}
		for _, t := range s.Types {
			opts.Types = append(opts.Types, scenes.Type(t))
		}
		d, err = data.NewScenes(s.Seed, s.Count, opts, data.ByImage)
	case "easy-vqa":
		d, err = data.OpenEasyVQA(s.Path, data.ByImage, imageproc.Options{})
	default:
		d, err = data.Open(s.Path, data.Options{Format: "llava", Images: s.Images, Strict: true})
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; change path in the recipe, or say where the data is by --data", err)
	case err != nil:
		return nil, err
	case d.Len() == 0:
		return nil, fmt.Errorf("%s has no samples", s.Path)
	}
	return &source{d, s}, nil
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
// source asks for, behind the system's turn if there is one. Conversations that
// place their pictures themselves stay whole: their rounds lean on each other.
func (s *source) draw(sample *data.Sample, rng *rand.Rand) []data.Turn {
	if s.Ask == 0 && s.Types == nil || placesPictures(sample) {
		return sample.Turns
	}
	var out []data.Turn
	turns := sample.Turns
	if len(turns) > 0 && turns[0].Role == data.System {
		out, turns = append(out, turns[0]), turns[1:]
	}
	var rounds []int
	for r := range len(turns) / 2 {
		if s.Types == nil || r < len(sample.Meta) && slices.Contains(s.Types, sample.Meta[r].Type) {
			rounds = append(rounds, r)
		}
	}
	if s.Ask > 0 {
		rng.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })
		rounds = rounds[:min(s.Ask, len(rounds))]
	}
	if len(rounds) == 0 {
		return nil
	}
	for _, r := range rounds {
		out = append(out, turns[2*r], turns[2*r+1])
	}
	return out
}

func placesPictures(sample *data.Sample) bool {
	return slices.ContainsFunc(sample.Turns, func(t data.Turn) bool { return strings.Contains(t.Text, data.Marker) })
}
