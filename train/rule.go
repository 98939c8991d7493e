package train

import (
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// rule is how an optimizer moves a parameter.
type rule interface {
	// moments declares what is kept of w between updates.
	moments(w *tensor.Tensor) []moment
	// update moves p by its gradient times scale, and forgets the gradient.
	update(p *param, s *Stage, lr, scale float64)
}

// moment is what an optimizer keeps of a parameter: nothing before its first gradient.
type moment struct {
	suffix string // of its name in checkpoints, behind the parameter's
	shape  []int
	x      []float32
}

// ruleFor is the stage's rule for a parameter.
func (o *optimizer) ruleFor(st *Stage, name string, w *tensor.Tensor) rule {
	switch {
	case st.Optimizer == "muon" && forMuon(name, w):
		return &o.muon
	case st.Optimizer == "adafactor":
		return &adafactor{pool: o.pool}
	}
	return adamw{o.pool}
}

// adamw is Decoupled Weight Decay Regularization, Loshchilov and Hutter 2017,
// https://arxiv.org/abs/1711.05101, as PyTorch computes it.
type adamw struct{ pool *kernel.Pool }

func (adamw) moments(w *tensor.Tensor) []moment {
	return []moment{{suffix: ".m", shape: w.Shape}, {suffix: ".v", shape: w.Shape}}
}

func (r adamw) update(p *param, s *Stage, lr, scale float64) {
	a := kernel.AdamWParams{
		LR: lr * p.rate, Beta1: s.Betas[0], Beta2: s.Betas[1], Eps: s.Eps,
		Correction1: 1 - math.Pow(s.Betas[0], float64(p.step)),
		Correction2: 1 - math.Pow(s.Betas[1], float64(p.step)),
		GradScale:   scale, WeightDecay: p.decay,
	}
	g, m, v := p.t.Grad(), p.moments[0].x, p.moments[1].x
	r.pool.For(len(g), 1<<15, func(lo, hi int) {
		kernel.AdamW(p.t.F32[lo:hi], m[lo:hi], v[lo:hi], g[lo:hi], a)
	})
	p.t.ZeroGrad()
}
