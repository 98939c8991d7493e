package zoo

import (
	"fmt"
	"image"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// View is a picture as a model that compares pictures with texts sees it.
func (m *Model) View(img *imageproc.RGB) (*model.Views, error) {
	p, err := m.Pictures.Process(img, nil)
	if err != nil {
		return nil, err
	}
	return &model.Views{Pixels: p.Pixels, Sizes: []image.Point{{X: p.W, Y: p.H}}}, nil
}

// Caption encodes a text that a model.PairLearner learns from. Of one that has more
// than most tokens, or than the model reads, the first stay and the last, which ends
// it, as in the reference's tokenizer. A most of 0 is the model's context.
func (m *Model) Caption(net model.PairLearner, text string, most int) ([]int32, error) {
	if most == 0 || most > net.Context() {
		most = net.Context()
	}
	ids := m.Tokenizer.Encode(text)
	if n := len(ids); n > most && most > 1 {
		ids = append(ids[:most-1], ids[n-1])
	}
	if len(ids) < 2 || len(ids) > most {
		return nil, fmt.Errorf("%q has %d tokens, and %s learns from 2 to %d", text, len(ids), m.Name, most)
	}
	return ids, m.known(net, text, ids)
}
