package train

import (
	"cmp"
	"errors"
	"strings"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// whitenSamples is how many samples of each source patches are taken from.
const whitenSamples = 128

// whiten makes the patch embeddings of the vision tower see the patches of the
// recipe's pictures whitened.
func (in Init) whiten(m *zoo.Model, sets []*source) error {
	var pixels []*tensor.Tensor
	for _, s := range sets {
		more, err := s.pixels(m, whitenSamples)
		if err != nil {
			return err
		}
		pixels = append(pixels, more...)
	}
	if len(pixels) == 0 {
		return errors.New("init: whiten: the data has no pictures")
	}
	var err error
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if m.Family.PartOf(name) == "vision" && strings.HasSuffix(name, "patch_embedding.weight") {
			err = cmp.Or(err, nn.WhitenPatches(w, pixels, in.Whiten))
		}
	})
	return err
}

// pixels returns the pictures [1, 3, height, width] of the first samples.
func (s *source) pixels(m *zoo.Model, samples int) (out []*tensor.Tensor, err error) {
	pictures := m.Pictures
	if pictures == nil {
		return nil, nil
	}
	for i := range min(samples, s.Len()) {
		sample, err := s.At(i)
		if err != nil {
			return nil, err
		}
		for _, p := range sample.Images {
			img, err := p.Open()
			if err != nil {
				return nil, err
			}
			v, err := pictures.Process(img, nil)
			if err != nil {
				return nil, err
			}
			out = append(out, tensor.From(v.Pixels, 1, 3, v.H, v.W))
		}
	}
	return out, nil
}
