package train

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// stream opens the row of a stage's samples, as its loss reads them.
func (t *Trainer) stream(stage int) (*stream, error) {
	if t.Recipe.Stages[stage].Loss == "pairs" {
		p, err := newPairer(t.Model)
		if err != nil {
			return nil, err
		}
		s := newStream(t.Recipe, stage, t.sets[stage], nil, p.net.Context())
		s.pairer, s.ground = p, t.ground(t.Model.Pictures)
		return s, nil
	}
	vlm, ok := t.Model.VLM()
	if !ok {
		return nil, fmt.Errorf("a %s does not generate text: loss can only be pairs", t.Model.Family.Architecture)
	}
	t.vlm = vlm
	proc, _, err := t.processor(stage)
	if err != nil {
		return nil, err
	}
	s := newStream(t.Recipe, stage, t.sets[stage], proc, vlm.Decoder().Context())
	s.ground = t.ground(proc.PictureProcessor())
	return s, nil
}

// ground writes boxes in the words of the model's family, as they lie in pictures that
// go through a pipeline.
func (t *Trainer) ground(pictures *imageproc.Processor) ground {
	return func(s *data.Sample, turns []data.Turn, conv []model.Turn) error {
		return s.Ground(turns, conv, t.Model.Family.Boxes, pictures)
	}
}

// LeftOut tells what is wrong with rows of the data that are left out, of each source the
// first few, and how many there are.
func (t *Trainer) LeftOut() (some []error, n int) {
	const few = 3
	t.eachSource(func(s *source, _ string) {
		set, ok := s.Dataset.(*data.Set)
		if !ok {
			return
		}
		n += set.Broken()
		for _, p := range set.Problems()[:min(few, len(set.Problems()))] {
			some = append(some, p)
		}
	})
	return some, n
}

// processor is the model's for a stage, and the preprocessor_config.json that the
// stage has of its own, or nil.
func (t *Trainer) processor(stage int) (model.Processor, []byte, error) {
	fields := t.Recipe.Stages[stage].Pictures
	if fields == nil || t.Recipe.Stages[stage].Loss == "pairs" {
		return t.Model.Processor, nil, nil
	}
	return t.Model.ProcessorWith(os.DirFS(filepath.Join(t.Recipe.Output, baseDir)), fields)
}
