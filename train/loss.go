package train

import "github.com/fovea-ml/fovea/model"

// learn adds the gradients of the stage's loss over a batch, and returns it and its terms.
func (t *Trainer) learn(f *feeder, b *batch) (loss float64, terms map[string]float64, err error) {
	switch {
	case b.pairs != nil:
		loss, terms = f.pairer.backward(&t.ctx, b.pairs)
		return loss, terms, nil
	case b.preferences != nil:
		return t.prefer(b.preferences, f.stage)
	}
	return t.backward(b.parts, b.labelled), nil, nil
}

// backward adds the gradients of the parts' loss, the mean over so many labelled
// tokens, to those of the parameters.
func (t *Trainer) backward(parts []*model.Prompt, labelled int) (loss float64) {
	for i, p := range parts {
		t.ctx.Draw = uint64(t.state.Total)<<20 + uint64(i) // of dropout
		l := model.Loss(&t.ctx, t.vlm, p, float32(labelled))
		loss += float64(l.F32[0])
		t.ctx.Backward(l)
		t.ctx.Reset()
	}
	return loss
}
