package train

import (
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// param is one learning tensor with the moments that AdamW keeps of it.
type param struct {
	name  string
	t     *tensor.Tensor
	part  string
	decay bool // matrices decay; norms and biases do not
	m, v  []float32
}

// adamW is Decoupled Weight Decay Regularization, Loshchilov and Hutter 2017,
// https://arxiv.org/abs/1711.05101, as PyTorch computes it.
type adamW struct {
	params []*param
	step   int // updates so far
	pool   *kernel.Pool
}

// newAdamW keeps moments of every parameter of net that learns; part names the
// part that a parameter belongs to.
func newAdamW(net any, part func(name string) string, pool *kernel.Pool) *adamW {
	o := &adamW{pool: pool}
	nn.Walk(net, func(name string, w *tensor.Tensor) {
		if w.NeedsGrad() {
			o.params = append(o.params, &param{
				name: name, t: w, part: part(name), decay: len(w.Shape) > 1,
				m: make([]float32, w.Len()), v: make([]float32, w.Len()),
			})
		}
	})
	return o
}

// norm is the Euclidean length of the whole gradient.
func (o *adamW) norm() float64 {
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
func (o *adamW) update(s *Stage, lr, scale float64) {
	o.step++
	for _, p := range o.params {
		if !p.t.HasGrad() {
			continue // no part of what ran, such as a tower's blocks behind the feature layer
		}
		rate := lr
		if f, ok := s.LRScale[p.part]; ok {
			rate *= f
		}
		a := kernel.AdamWParams{
			LR: rate, Beta1: s.Betas[0], Beta2: s.Betas[1], Eps: s.Eps,
			Correction1: 1 - math.Pow(s.Betas[0], float64(o.step)),
			Correction2: 1 - math.Pow(s.Betas[1], float64(o.step)),
			GradScale:   scale,
		}
		if p.decay {
			a.WeightDecay = s.Decay
		}
		g := p.t.Grad()
		o.pool.For(len(g), 1<<15, func(lo, hi int) {
			kernel.AdamW(p.t.F32[lo:hi], p.m[lo:hi], p.v[lo:hi], g[lo:hi], a)
			clear(g[lo:hi])
		})
	}
}
