package train

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// pairer teaches a model which text belongs to which picture.
type pairer struct {
	model *zoo.Model
	net   model.PairLearner
}

func newPairer(m *zoo.Model) (*pairer, error) {
	net, ok := m.Net.(model.PairLearner)
	if !ok {
		return nil, fmt.Errorf("loss: pairs: a %s does not learn pairs of pictures and texts", m.Family.Architecture)
	}
	return &pairer{m, net}, nil
}

// pair is a sample of a picture and its text.
type pair struct {
	tiles *model.Tiles
	ids   []int32
	text  string
}

// pair makes one of a conversation: its first picture and its last answer. Of a
// text that is too long the beginning counts.
func (p *pairer) pair(conv []model.Turn, most int) (*pair, error) {
	images := model.Pictures(conv)
	if len(images) == 0 || len(conv) == 0 {
		return nil, nil
	}
	v, err := p.model.View(images[0])
	if err != nil {
		return nil, err
	}
	text := conv[len(conv)-1].Text
	ids, err := p.model.Caption(p.net, text, most)
	return &pair{&model.Tiles{Views: *v}, ids, text}, err
}

// pairs makes the batches of a step, counted from 0. One in which fewer than two
// differ teaches nothing.
func (f *feeder) pairs(step int) *batch {
	b := &batch{cursor: cursor{Next: (step + 1) * f.stage.Accumulate * f.stage.Batch}}
	for a := range f.stage.Accumulate {
		at := (step*f.stage.Accumulate + a) * f.stage.Batch
		p := &model.Pairs{Seed: f.recipe.Seed ^ uint64(f.number)<<40 ^ uint64(at)}
		same := map[string]int{}
		for i := range f.stage.Batch {
			one, err := f.pair(at + i)
			switch {
			case err != nil && f.recipe.Strict:
				b.err = err
				return b
			case err != nil:
				b.broken = append(b.broken, err)
			case one == nil:
				b.skipped++
			default:
				if _, ok := same[one.text]; !ok {
					same[one.text] = len(same)
				}
				p.Images, p.Texts, p.Same = append(p.Images, one.tiles), append(p.Texts, one.ids), append(p.Same, same[one.text])
			}
		}
		if p.Check(f.pairer.net.Context()) != nil {
			b.skipped += len(p.Texts)
			continue
		}
		b.pairs = append(b.pairs, p)
		for _, ids := range p.Texts {
			b.tokens += len(ids)
			b.labelled += len(ids)
		}
	}
	b.wantSome(step)
	return b
}

// pair is the one at a place, nil if the sample there has none.
func (f *feeder) pair(place int) (*pair, error) {
	_, conv, err := f.conversation(place)
	if err != nil || conv == nil {
		return nil, err
	}
	return f.pairer.pair(conv, f.most)
}

// backward adds the gradients of the mean loss of batches, and returns it and its terms.
func (p *pairer) backward(c *tensor.Ctx, batches []*model.Pairs) (loss float64, terms map[string]float64) {
	terms = map[string]float64{}
	for _, b := range batches {
		all := p.net.PairLoss(c, b)
		total := ops.Scale(c, model.Total(c, all), 1/float32(len(batches)))
		loss += float64(total.F32[0])
		for _, t := range all {
			terms[t.Name] += float64(t.Value.F32[0]) / float64(len(batches))
		}
		c.Backward(total)
		c.Reset()
	}
	return loss, terms
}
