package train

import (
	"cmp"
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// guard returns an error if the loss of a batch or the norm of its gradient is no
// number. It says where the first value came from that was not finite.
func (t *Trainer) guard(b *batch, loss, norm float64) error {
	if isFinite(loss) && isFinite(norm) {
		return nil
	}
	advice := "lower lr, warm up longer, or set clip"
	if t.Recipe.Compute == "BF16" {
		advice += "; if that is no help, set compute to F32"
	}
	return fmt.Errorf("step %d: the loss is %v and the gradient's norm %v: %s; %s", t.state.Step+1, loss, norm, t.blame(b), advice)
}

// blame runs a batch again, with weights that have not moved since, and looks
// at every value on the way.
func (t *Trainer) blame(b *batch) string {
	w := t.witness()
	if name := w.weight(t.Model.Net); name != "" {
		return "the weight " + name + " is no longer finite: the update before was too long"
	}
	tooLong := w.gradient(t.opt.params, true) // before the gradients of single parts take the place of the sum
	losses := t.losses(b)
	for i, loss := range losses {
		for _, p := range t.opt.params {
			p.t.ZeroGrad()
		}
		if found := t.blamePart(w, loss); found != "" {
			return fmt.Sprintf("in part %d of %d, %s", i+1, len(losses), found)
		}
	}
	return "the sum of the gradients of all parts is too long, first that of " + tooLong
}

// blamePart looks at the forward pass of a part, then at its gradients.
func (t *Trainer) blamePart(w *witness, loss func() *tensor.Tensor) string {
	t.ctx.Observer, t.ctx.Inputs = w.stage, w.input
	l := loss()
	t.ctx.Observer, t.ctx.Inputs = nil, nil
	defer t.ctx.Reset()
	if w.see("the loss", l); w.bad != "" {
		return w.bad + " is the first that is not finite, behind " + cmp.Or(w.last, "the inputs")
	}
	t.ctx.Backward(l)
	if name := w.gradient(t.opt.params, false); name != "" {
		return "all values are finite, but not the gradient of " + name + ", of those that are not the nearest to the loss"
	}
	return ""
}

// losses run the parts of a batch forward.
func (t *Trainer) losses(b *batch) (all []func() *tensor.Tensor) {
	for _, p := range b.parts {
		all = append(all, func() *tensor.Tensor { return model.Loss(&t.ctx, t.vlm, p, float32(b.labelled)) })
	}
	for _, p := range b.preferences {
		for _, answer := range []*model.Prompt{p.chosen, p.rejected} {
			all = append(all, func() *tensor.Tensor { return model.Loss(&t.ctx, t.vlm, answer, 1) })
		}
	}
	for _, p := range b.pairs {
		net, c := t.stages[t.state.Stage].pairer.net, &t.ctx
		all = append(all, func() *tensor.Tensor {
			return ops.Scale(c, model.Total(c, net.PairLoss(c, p)), 1/float32(len(b.pairs)))
		})
	}
	return all
}

// witness watches a model run.
type witness struct {
	names map[*tensor.Tensor]string
	used  map[string]int // when a weight was used last
	clock int
	last  string // what was finite last
	bad   string // what was the first that was not
}

func (t *Trainer) witness() *witness {
	w := &witness{names: map[*tensor.Tensor]string{}, used: map[string]int{}}
	nn.Walk(t.Model.Net, func(name string, p *tensor.Tensor) { w.names[p] = name })
	return w
}

// stage is an Observer.
func (w *witness) stage(name string, x *tensor.Tensor) { w.see(name, x) }

// input sees what goes into linear layers.
func (w *witness) input(weight, x *tensor.Tensor) {
	if name, ok := w.names[weight]; ok {
		w.clock++
		w.used[name] = w.clock
		w.see("the input of "+name, x)
	}
}

func (w *witness) see(name string, x *tensor.Tensor) {
	switch {
	case w.bad != "":
	case allFinite(x.F32):
		w.last = name
	default:
		w.bad = name
	}
}

// weight is the first of a net that is not finite, "" if all are.
func (w *witness) weight(net any) (bad string) {
	nn.Walk(net, func(name string, p *tensor.Tensor) {
		if bad == "" && !allFinite(p.F32) {
			bad = name
		}
	})
	return bad
}

// gradient is the one that is not finite, or whose square is not, and was used last
// on the way to the loss.
func (w *witness) gradient(params []*param, squared bool) (bad string) {
	for _, p := range params {
		if !p.t.HasGrad() || allFinite(p.t.Grad()) && !(squared && tooLong(p.t.Grad())) {
			continue
		}
		if bad == "" || w.used[p.name] >= w.used[bad] {
			bad = p.name
		}
	}
	return bad
}

// tooLong reports whether float32 does not hold the square of an element.
func tooLong(x []float32) bool {
	for _, v := range x {
		if !isFinite(float64(float32(v * v))) {
			return true
		}
	}
	return false
}

func allFinite(x []float32) bool {
	for _, v := range x {
		if !isFinite(float64(v)) {
			return false
		}
	}
	return true
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
