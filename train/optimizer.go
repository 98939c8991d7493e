package train

import (
	"math"

	"github.com/fovea-ml/fovea/kernel"
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

// norm is the Euclidean length of the whole gradient.
func (o *adamW) norm() float64 {
	sum := 0.0
	for _, p := range o.params {
		sum += kernel.SumSquares(p.t.Grad())
	}
	return math.Sqrt(sum)
}

// update moves the parameters against their gradients, scaled by scale, and
// forgets the gradients.
func (o *adamW) update(s *Stage, lr, scale float64) {
	o.step++
	for _, p := range o.params {
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
