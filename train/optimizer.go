package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// param is one learning tensor with the moments that the optimizer keeps of it. They
// begin with its first gradient: what no batch runs through, such as a tower's
// blocks behind the feature layer, has none and does not decay.
type param struct {
	name  string
	t     *tensor.Tensor
	rate  float64 // of the stage's
	decay float64
	rule  rule
	step  int // updates of this tensor

	moments []moment
}

// optimizer moves each parameter by the rule that the stage asks for.
type optimizer struct {
	params []*param
	step   int // updates of the stage so far
	pool   *kernel.Pool
	muon   muon
}

// newOptimizer lists the parameters of net that learn, with the rates of the
// stage; part names the part that one belongs to.
func newOptimizer(st *Stage, net any, part func(name string) string, pool *kernel.Pool) *optimizer {
	o := &optimizer{pool: pool}
	rates := st.rates(net, part)
	nn.Walk(net, func(name string, w *tensor.Tensor) {
		if w.NeedsGrad() {
			r := rates(name, w)
			p := &param{name: name, t: w, rate: r.lr, decay: r.decay, rule: o.ruleFor(st, name, w)}
			p.moments = p.rule.moments(w)
			o.params = append(o.params, p)
		}
	})
	return o
}

// norm is the Euclidean length of the whole gradient.
func (o *optimizer) norm() float64 {
	squares := make([]float64, len(o.params))
	o.pool.For(len(o.params), 1, func(lo, hi int) {
		for i, p := range o.params[lo:hi] {
			if p.t.HasGrad() {
				squares[lo+i] = kernel.SumSquares(p.t.Grad())
			}
		}
	})
	sum := 0.0
	for _, s := range squares { // in one order, whatever the number of workers
		sum += s
	}
	return math.Sqrt(sum)
}

// update moves the parameters against their gradients, scaled by scale, and
// forgets the gradients.
func (o *optimizer) update(s *Stage, lr, scale float64) {
	o.step++
	for _, p := range o.params {
		if !p.t.HasGrad() {
			continue
		}
		if p.step == 0 {
			p.begin()
		}
		p.step++
		p.rule.update(p, s, lr, scale)
	}
	o.muon.flush(o.pool, lr, scale)
}

// begin makes the moments.
func (p *param) begin() {
	for i, m := range p.moments {
		p.moments[i].x = make([]float32, tensor.Size(m.shape))
	}
}

// moments lists the optimizer's tensors.
func (o *optimizer) moments() []checkpoint.Param {
	var all []checkpoint.Param
	for _, p := range o.params {
		if p.step == 0 {
			continue
		}
		for _, m := range p.moments {
			all = append(all, checkpoint.Param{Name: p.name + m.suffix, T: tensor.From(m.x, m.shape...)})
		}
	}
	return all
}

// missed tells which parameters had fewer updates than the stage: how many they
// missed.
func (o *optimizer) missed() map[string]int {
	out := map[string]int{}
	for _, p := range o.params {
		if p.step < o.step {
			out[p.name] = o.step - p.step
		}
	}
	return out
}

// restore puts the optimizer where moments and missed were taken, after so many
// updates.
func (o *optimizer) restore(c *checkpoint.Checkpoint, updates int, missed map[string]int) error {
	o.step = updates
	for _, p := range o.params {
		if p.step = updates - missed[p.name]; p.step <= 0 {
			p.step = 0
			continue
		}
		p.t.Grad() // it goes on moving also in steps without a gradient
		for i, m := range p.moments {
			var err error
			if p.moments[i].x, err = floats(c, momentsFile, p.name+m.suffix, tensor.Size(m.shape)); err != nil {
				return err
			}
		}
	}
	return nil
}

// floats copies n elements out of a file of a checkpoint.
func floats(c *checkpoint.Checkpoint, file, name string, n int) ([]float32, error) {
	src, err := c.Floats(name)
	if err != nil {
		return nil, err
	}
	if len(src) != n {
		return nil, fmt.Errorf("%s: %s has %d elements, want %d", file, name, len(src), n)
	}
	return slices.Clone(src), nil
}
