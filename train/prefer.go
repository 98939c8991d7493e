package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// preference is a question with an answer that is better than another one.
type preference struct{ chosen, rejected *model.Prompt }

// preference makes the sample at a place, nil if it has no second answer. Only the last
// answer is compared.
func (f *feeder) preference(place int) (*preference, error) {
	set, i := f.at(place)
	s := f.sets[set]
	sample, err := s.At(i)
	if err != nil || sample.Rejected == "" {
		return nil, err
	}
	conv, err := sample.Conversation(sample.Turns)
	if err != nil {
		return nil, err
	}
	if err := f.ground(sample, sample.Turns, conv); err != nil {
		return nil, err
	}
	last := len(conv) - 1
	for k := range last {
		conv[k].Mute = true
	}
	conv[last].Weight = 0 // how likely an answer is does not depend on what it counts
	var p preference
	if p.chosen, err = f.proc.Learn(conv); err != nil {
		return nil, err
	}
	worse := slices.Clone(conv)
	worse[last].Text = sample.Rejected
	p.rejected, err = f.proc.Learn(worse)
	return &p, err
}

// preferences makes the samples of a step, counted from 0.
func (f *feeder) preferences(step int) *batch {
	n := f.stage.Accumulate * f.stage.Batch
	b := &batch{cursor: cursor{Next: (step + 1) * n}}
	for i := range n {
		p, err := f.preference(step*n + i)
		switch {
		case err != nil && f.recipe.Strict:
			b.err = err
			return b
		case err != nil:
			b.broken = append(b.broken, err)
		case p == nil || max(p.chosen.Longest(), p.rejected.Longest()) > f.most || min(p.chosen.Labelled(), p.rejected.Labelled()) == 0:
			b.skipped++
		default:
			b.preferences = append(b.preferences, p)
			b.count(p.chosen)
			b.count(p.rejected)
		}
	}
	b.wantSome(step)
	return b
}

// prefer adds the gradients of the mean loss of direct preference optimisation
// (Rafailov et al. 2023, https://arxiv.org/abs/2305.18290): the better answer shall have
// become likelier, by comparison with the model before its updates, than the worse.
// The stage's Beta says how far the model may move. The terms are the mean margin, the
// logarithm of how much likelier times beta, the share of samples where it is above 0, and
// the cross-entropy of the better answers' tokens, which the loss has Supervised times (Pang
// et al. 2024, https://arxiv.org/abs/2404.19733): preferring alone can make both unlikely.
func (t *Trainer) prefer(all []*preference, st *Stage) (loss float64, terms map[string]float64, err error) {
	c, n, beta := &t.ctx, float64(len(all)), st.Beta
	terms = map[string]float64{"margin": 0, "accuracy": 0, "nll": 0}
	for i, p := range all {
		c.Draw = uint64(t.state.Total)<<20 + uint64(i)
		before, err := t.before(p)
		if err != nil {
			return 0, nil, err
		}
		// Both are negative log-likelihoods.
		chosen, rejected := model.Loss(c, t.vlm, p.chosen, 1), model.Loss(c, t.vlm, p.rejected, 1)
		margin := beta * (float64(rejected.F32[0]) - float64(chosen.F32[0]) - before)
		tokens := float64(p.chosen.Labelled())
		nll := float64(chosen.F32[0]) / tokens
		loss += (math.Log1p(math.Exp(-margin)) + float64(st.Supervised*nll)) / n
		terms["margin"] += margin / n
		terms["nll"] += nll / n
		if margin > 0 {
			terms["accuracy"] += 1 / n
		}
		// The gradient of the loss by the margin is the same for both, but for its sign.
		weight, more := beta/(1+math.Exp(margin))/n, st.Supervised/tokens/n
		c.Backward(ops.Add(c, ops.Scale(c, chosen, float32(weight+more)), ops.Scale(c, rejected, float32(-weight))))
		c.Reset()
	}
	return loss, terms, nil
}

// before is the margin of the model without its updates.
func (t *Trainer) before(p *preference) (margin float64, err error) {
	if t.Model.Adapter == nil {
		return 0, fmt.Errorf("loss: preferences: it compares with the model without its updates, and needs lora")
	}
	c := &tensor.Ctx{Pool: t.ctx.Pool}
	err = t.Model.Adapter.Without(func() {
		chosen := float64(model.Loss(c, t.vlm, p.chosen, 1).F32[0])
		c.Reset()
		margin = float64(model.Loss(c, t.vlm, p.rejected, 1).F32[0]) - chosen
	})
	return margin, err
}
