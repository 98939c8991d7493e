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

// ground writes the boxes of turns taken from a sample into the conversation that was
// made of them.
type ground func(s *data.Sample, turns []data.Turn, conv []model.Turn) error

// open opens the data sets of every stage.
func (r *Recipe) open() (sets [][]*source, err error) {
	sets = make([][]*source, len(r.Stages))
	for i, st := range r.Stages {
		for k, d := range st.Data {
			s, err := d.open(r.Strict)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w, or say where the data is by --data", err)
			}
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

// open opens the data set of a recipe's entry, one sample for each picture. Rows of
// files that are broken are left out, or are an error if strict.
func (s Source) open(strict bool) (*source, error) {
	var d data.Dataset
	var err error
	switch s.Format {
	case "scenes":
		d, err = s.scenes()
	case "passages":
		d, err = data.OpenPassages(s.Path)
	case "interleaved":
		d, err = s.interleaved()
	case "easy-vqa":
		d, err = data.OpenEasyVQA(s.Path, data.ByImage, imageproc.Options{})
	default:
		d, err = data.Open(s.Path, data.Options{
			Format: s.fileFormat(), Images: s.Images, Cache: s.Cache, Split: s.Split, Prompt: s.Prompt, Strict: strict,
		})
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; change path in the recipe", err)
	case err != nil:
		return nil, err
	case d.Len() == 0:
		return nil, fmt.Errorf("%s has no samples", s.Path)
	}
	return &source{d, s}, nil
}

// fileFormat is the format of a file, "" where it is to be found out.
func (s Source) fileFormat() string {
	if s.Format == "file" {
		return ""
	}
	return s.Format
}

// scenes are the drawn pictures of an entry.
func (s Source) scenes() (*data.Scenes, error) {
	opts := scenes.Options{Side: s.Side, Questions: s.Questions, Objects: s.Objects}
	for _, t := range s.Types {
		opts.Types = append(opts.Types, scenes.Type(t))
	}
	for _, l := range s.Langs {
		opts.Langs = append(opts.Langs, scenes.Lang(l))
	}
	d, err := data.NewScenes(s.Seed, s.Count, opts, data.ByImage)
	if err == nil && s.Rejected {
		d = d.Rejecting()
	}
	return d, err
}

// interleaved are passages with drawn pictures in them, and what is said of these.
func (s Source) interleaved() (*data.Interleaved, error) {
	text, err := data.OpenPassages(s.Path)
	if err != nil {
		return nil, err
	}
	s.Questions, s.Types = 1, []string{string(scenes.Caption)}
	pictures, err := s.scenes()
	if err != nil {
		return nil, err
	}
	return data.NewInterleaved(text, pictures)
}

// conversation reads a sample, draws its questions and changes its pictures.
func (s *source) conversation(i int, rng *rand.Rand, g ground) ([]model.Turn, error) {
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
	turns = s.Augment.apply(turns, conv, rng)
	if slices.ContainsFunc(turns, func(t data.Turn) bool { return t.Places != nil }) {
		err = g(sample, turns, conv)
	}
	return conv, err
}

// draw picks Ask of a sample's rounds in random order, of the kinds that the
// source asks for, behind the system's turn if there is one. Conversations that
// place their pictures themselves stay whole: their rounds lean on each other.
func (s *source) draw(sample *data.Sample, rng *rand.Rand) []data.Turn {
	if s.Ask == 0 && s.Types == nil || sample.Document || placesPictures(sample) {
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
