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
	muon  bool // it is updated by muon, which keeps no v
	step  int  // updates of this tensor
	m, v  []float32
}

// optimizer is AdamW, and muon for the matrices of a stage that asks for it.
// AdamW is Decoupled Weight Decay Regularization, Loshchilov and Hutter 2017,
// https://arxiv.org/abs/1711.05101, as PyTorch computes it.
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
			o.params = append(o.params, &param{name: name, t: w, rate: r.lr, decay: r.decay,
				muon: st.Optimizer == "muon" && forMuon(name, w)})
		}
	})
	return o
}

// norm is the Euclidean length of the whole gradient.
func (o *optimizer) norm() float64 {
	sum := 0.0
	for _, p := range o.params {
		if p.t.HasGrad() {
			sum += kernel.SumSquares(p.t.Grad())
		}
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
		if p.muon {
			o.muon.params = append(o.muon.params, p)
			continue
		}
		a := p.settings(s, lr, scale)
		g := p.t.Grad()
		o.pool.For(len(g), 1<<15, func(lo, hi int) {
			kernel.AdamW(p.t.F32[lo:hi], p.m[lo:hi], p.v[lo:hi], g[lo:hi], a)
			clear(g[lo:hi])
		})
	}
	o.muon.update(o.pool, lr, scale)
}

// begin makes the moments.
func (p *param) begin() {
	p.m = make([]float32, p.t.Len())
	if !p.muon {
		p.v = make([]float32, p.t.Len())
	}
}

// settings are those of the parameter's update number p.step.
func (p *param) settings(s *Stage, lr, scale float64) kernel.AdamWParams {
	return kernel.AdamWParams{
		LR: lr * p.rate, Beta1: s.Betas[0], Beta2: s.Betas[1], Eps: s.Eps,
		Correction1: 1 - math.Pow(s.Betas[0], float64(p.step)),
		Correction2: 1 - math.Pow(s.Betas[1], float64(p.step)),
		GradScale:   scale, WeightDecay: p.decay,
	}
}

// moments lists the optimizer's tensors.
func (o *optimizer) moments() []checkpoint.Param {
	var all []checkpoint.Param
	for _, p := range o.params {
		if p.step > 0 {
			all = append(all, checkpoint.Param{Name: p.name + ".m", T: tensor.From(p.m, p.t.Shape...)})
			if !p.muon {
				all = append(all, checkpoint.Param{Name: p.name + ".v", T: tensor.From(p.v, p.t.Shape...)})
			}
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
		var err error
		if p.m, err = p.floats(c, momentsFile, ".m"); err != nil {
			return err
		}
		if p.muon {
			continue
		}
		if p.v, err = p.floats(c, momentsFile, ".v"); err != nil {
			return err
		}
	}
	return nil
}

// floats copies what a file of a checkpoint keeps of the parameter under a suffix.
func (p *param) floats(c *checkpoint.Checkpoint, file, suffix string) ([]float32, error) {
	src, err := c.Floats(p.name + suffix)
	if err != nil {
		return nil, err
	}
	if len(src) != p.t.Len() {
		return nil, fmt.Errorf("%s: %s%s has %d elements, want %d", file, p.name, suffix, len(src), p.t.Len())
	}
	return slices.Clone(src), nil
}
